import { catalogue, type DomainEvent } from "../../../shared/contracts/catalogue.ts";
import { seal } from "../../../shared/envelope.ts";
import { objectId } from "../../../shared/ids.ts";
import type { RecordedEvent } from "./record.ts";

/** What is said of one run, each a new event a moment after the one before: the contract's examples. */
export function say({ at = Date.now(), plannedAt = at }: { at?: number; plannedAt?: number } = {}) {
  const [runId, taskId] = [objectId(), objectId()];
  let now = at;
  const event =
    (type: RecordedEvent["type"], fixed: object = {}) =>
    (data: object = {}): RecordedEvent => {
      now += 1;
      const example = catalogue.contracts[type].example;
      const said = { ...example, runId, taskId, plannedAt: new Date(plannedAt).toISOString(), ...fixed };
      const subject = type.startsWith("task.") ? `task-${taskId}` : `run-${runId}`;
      const sealed = seal({ type, data: said } as DomainEvent, { subject, now });
      return { ...sealed, data: { ...sealed.data, ...data } } as RecordedEvent;
    };
  const startedAt = new Date(at).toISOString();
  return {
    runId,
    taskId,
    due: event("task.due"),
    started: event("run.started", { startedAt }),
    succeeded: event("run.succeeded", { startedAt }),
    lost: event("run.lost"),
  };
}

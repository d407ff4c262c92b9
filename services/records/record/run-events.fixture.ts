import { catalogue, type DomainEvent } from "../../../shared/contracts/catalogue.ts";
import { seal } from "../../../shared/envelope.ts";
import { objectId } from "../../../shared/ids.ts";
import type { RecordedEvent } from "./record.ts";

export interface ExampleRunOptions {
  /** When the events happen (ms). */
  readonly at?: number;
  readonly plannedAt?: number;
}

/** A run of its own. Each call makes a new event of it, a millisecond after the one before: the contract's example. */
export function exampleRun({ at = Date.now(), plannedAt = at }: ExampleRunOptions = {}) {
  const [runId, taskId] = [objectId(), objectId()];
  let now = at;
  const event =
    (type: RecordedEvent["type"], fixed: object = {}) =>
    (data: object = {}): RecordedEvent => {
      now += 1;
      const { example } = catalogue.contracts[type];
      const own = { ...example, runId, taskId, plannedAt: new Date(plannedAt).toISOString(), ...fixed };
      const subject = type.startsWith("task.") ? `task-${taskId}` : `run-${runId}`;
      const sealed = seal({ type, data: own } as DomainEvent, { subject, now });
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

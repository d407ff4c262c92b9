import type { Delivery } from "../../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunAttempt } from "../attempt/run-attempt.ts";
import type { QueuedRun } from "../start/start-queue.ts";

/** A dispatched run, from its delivery until its outcome is accepted or it is requeued. */
export interface RunInFlight extends QueuedRun {
  readonly key: string;
  /** Settles when the delivery is handled. */
  readonly handling: PromiseWithResolvers<void>;
  /** Undefined while the run waits for its start. */
  attempt: RunAttempt<RunInFlight> | undefined;
}

/** Two deliveries with the same key are about the same attempt of the same run. */
export function keyOf({ data: { runId, attempt } }: DomainEnvelope<"task.due">): string {
  return `${runId}/${attempt}`;
}

export function runInFlight(key: string, due: DomainEnvelope<"task.due">, delivery: Delivery): RunInFlight {
  return {
    key,
    due,
    delivery,
    isRepeated: delivery.resent,
    handling: Promise.withResolvers<void>(),
    confirmedAt: Number.NEGATIVE_INFINITY,
    yieldedAt: Number.NEGATIVE_INFINITY,
    isReady: false,
    attempt: undefined,
    at: Date.parse(due.data.plannedAt),
    sequence: 0,
    position: -1,
  };
}

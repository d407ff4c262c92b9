import type { Delivery } from "../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import type { RunAttempt } from "./attempt/run-attempt.ts";
import type { QueuedRun } from "./start/start-queue.ts";

/** A dispatched run, from its arrival to its answer. */
export interface HeldRun extends QueuedRun {
  readonly key: string;
  readonly answer: PromiseWithResolvers<void>;
  /** Set once its handler was called. */
  attempt: RunAttempt | undefined;
}

export function heldRun(key: string, due: DomainEnvelope<"task.due">, delivery: Delivery): HeldRun {
  return {
    key,
    due,
    delivery,
    isRepeated: delivery.resent,
    answer: Promise.withResolvers<void>(),
    confirmedAt: Number.NEGATIVE_INFINITY,
    isReady: false,
    attempt: undefined,
    at: Date.parse(due.data.plannedAt),
    sequence: 0,
    position: -1,
  };
}

import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import type { Outcome } from "./outcome.ts";
import type { LogLine } from "./run-log.ts";

/** Which attempt an event is about. */
export interface AttemptIdentity {
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly delivery: number;
  readonly executor: string;
  readonly plannedAt: string;
}

export function attemptIdentity(
  { data: { runId, taskId, attempt, plannedAt } }: DomainEnvelope<"task.due">,
  delivery: number,
  executor: string,
): AttemptIdentity {
  return { runId, taskId, attempt, delivery, executor, plannedAt };
}

export interface AttemptEnded {
  readonly startedAt: string;
  readonly endedAt: string;
  /** Lines that no earlier event carried. */
  readonly lines: readonly LogLine[];
}

/** The event that ends an attempt. */
export function endEvent(identity: AttemptIdentity, ended: AttemptEnded, outcome: Outcome): RunEvent {
  const { startedAt, endedAt, lines } = ended;
  const data = { ...identity, startedAt, endedAt, ...(lines.length > 0 ? { log: lines } : undefined) };
  switch (outcome.kind) {
    case "succeeded": {
      const { result } = outcome;
      return { type: "run.succeeded", data: result === undefined ? data : { ...data, result } };
    }
    case "failed":
      return { type: "run.failed", data: { ...data, error: outcome.error, retryable: outcome.retryable } };
    case "timed_out":
      return { type: "run.timed_out", data: { ...data, timeoutMs: outcome.timeoutMs } };
  }
}

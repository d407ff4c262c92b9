import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { isoInstant } from "../../../shared/contracts/instants.ts";
import { type RetryPolicy, retryDelayMs } from "../../../shared/contracts/retry-policy.ts";
import type { Cancellation, RunEvent } from "../../../shared/contracts/run-events.ts";
import type { Outcome } from "./outcome.ts";
import type { LogLine } from "./run-log.ts";

/** The attempt that an event is about. */
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

/** The start and end of an attempt, ISO-8601. */
export interface AttemptSpan {
  readonly startedAt: string;
  readonly endedAt: string;
}

/** Returns the event that ends an attempt, with the log lines that no earlier event contains. */
export function endEvent(
  identity: AttemptIdentity,
  { startedAt, endedAt, lines }: AttemptSpan & { readonly lines: readonly LogLine[] },
  { outcome, retry }: { readonly outcome: Outcome; readonly retry: RetryPolicy | undefined },
): RunEvent {
  const data = { ...identity, startedAt, endedAt, ...(lines.length > 0 ? { log: lines } : undefined) };
  switch (outcome.kind) {
    case "succeeded": {
      const { result } = outcome;
      return { type: "run.succeeded", data: result === undefined ? data : { ...data, result } };
    }
    case "failed":
      return {
        type: "run.failed",
        data: {
          ...data,
          error: outcome.error,
          retryable: outcome.retryable,
          ...(outcome.retryable && nextAttempt(data, retry)),
        },
      };
    case "timed_out":
      return {
        type: "run.timed_out",
        data: { ...data, timeoutMs: outcome.timeoutMs, ...nextAttempt(data, retry) },
      };
    case "cancelled": {
      const request = requested(outcome.cancellation);
      return { type: "run.cancelled", data: { ...data, reason: "requested", hasStarted: true, ...request } };
    }
  }
}

function nextAttempt(
  { runId, attempt, endedAt }: AttemptIdentity & Pick<AttemptSpan, "endedAt">,
  retry: RetryPolicy | undefined,
): { readonly retryAt?: string } {
  if (!retry || attempt > retry.limit) return {};
  return { retryAt: isoInstant(Date.parse(endedAt) + retryDelayMs(retry, runId, attempt)) };
}

/** Returns the event of a run that was revoked, or cancelled on request, before it started. */
export function cancelledEvent(
  identity: AttemptIdentity,
  at: string,
  cancellation: Cancellation | null,
): RunEvent {
  const data = { ...identity, startedAt: at, endedAt: at };
  if (!cancellation) return { type: "run.cancelled", data: { ...data, reason: "revoked" } };
  const request = requested(cancellation);
  return { type: "run.cancelled", data: { ...data, reason: "requested", hasStarted: false, ...request } };
}

function requested({ at, by }: Cancellation) {
  return { requestedAt: at, ...(by === null ? undefined : { requestedBy: by }) };
}

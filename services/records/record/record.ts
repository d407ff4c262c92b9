import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import {
  type Cancellation,
  isRunEnded,
  type RunEnded,
  type RunEvent,
  retryAtOf,
} from "../../../shared/contracts/run-events.ts";
import type { TaskDue, TaskSkipped } from "../../../shared/contracts/task-events.ts";

/** The events that a record is folded from, as they are stored. */
export type RecordedEvent = DomainEnvelope<"task.due" | "task.skipped" | RunEvent["type"]>;

type Described = Pick<TaskDue["data"], "name" | "group" | "handler" | "params" | "strategy" | "expression">;
type LogLine = RecordView["log"][number];

export interface Attempt {
  /** Counts dispatches; absent for the first one. */
  readonly attempt?: number;
  /** Of a failed attempt of a run that may have several. */
  readonly error?: { readonly type: string; readonly message: string };
  readonly executor: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: Outcome | null;
}

export type Outcome = "succeeded" | "failed" | "timed_out" | "cancelled" | "lost";

/** The read model of a run or of a skip. Instants are ISO-8601 UTC. */
export interface RunRecord {
  readonly runId: string;
  readonly taskId: string;
  readonly status: RecordView["status"];
  readonly plannedAt: string;
  readonly endedAt: string | null;
  readonly result: unknown;
  readonly error: { readonly type: string; readonly message: string; readonly stack: string | null } | null;
  readonly skip: RecordView["skip"];
  /** Null until `task.due` has arrived: the first events of a run may come in any order. */
  readonly described: Described | null;
  readonly timeoutMs: number | null;
  readonly attempts: readonly Attempt[];
  /** When the latest retry is due; null if there was none. */
  readonly retryAt: string | null;
  /** The request that cancelled the run. */
  readonly cancellation: Cancellation | null;
  readonly progress: (RecordView["progress"] & { readonly at: string }) | null;
  /** The newest lines; the events have all. */
  readonly log: readonly LogLine[];
  /** Outcomes that came after the first one. */
  readonly contradictions: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const LOG_LINES = 200;

/**
 * Folds one event into its record. The first outcome wins; a later one is counted and shown with its attempt.
 * Events of the task and of the run may come in any order: the record is the same.
 */
export function foldRecord(record: RunRecord | null, event: RecordedEvent): RunRecord {
  const seen = touched(record ?? blank(event), event.time);
  switch (event.type) {
    case "task.due":
      return {
        ...seen,
        described: describedBy(event.data),
        timeoutMs: seen.timeoutMs ?? event.data.timeoutMs,
      };
    case "task.skipped": {
      const { reason, count, lastPlannedAt } = event.data;
      return {
        ...seen,
        // If the same occurrence was also run, the run is what happened.
        status: seen.status === "queued" ? "skipped" : seen.status,
        described: describedBy(event.data),
        skip: { reason, count, lastPlannedAt },
      };
    }
    case "run.started": {
      const attempts = withAttempt(seen, event.data, null);
      return {
        ...seen,
        timeoutMs: event.data.timeoutMs ?? seen.timeoutMs,
        status: hasNoOutcome(seen) ? statusBy(attempts) : seen.status,
        attempts,
      };
    }
    case "run.progressed": {
      const { at, percent, message = null } = event.data;
      return seen.progress && seen.progress.at > at ? seen : { ...seen, progress: { at, percent, message } };
    }
    case "run.logged":
      return { ...seen, log: tail(seen.log, event.data) };
    default:
      return isRunEnded(event) ? ended(seen, event) : awaitingRetry(seen, event);
  }
}

/** True while no outcome is known. */
export function isOpen({ status }: Pick<RunRecord, "status">): boolean {
  return status === "queued" || status === "running" || status === "retrying";
}

/** A skip is not an outcome of a run: if an occurrence was both skipped and run, its run decides. */
function hasNoOutcome(record: RunRecord): boolean {
  return isOpen(record) || record.status === "skipped";
}

/** True if an event of the task has been folded into the record before. */
export function isFolded(record: RunRecord | null, event: RecordedEvent): boolean {
  if (event.type === "task.due") return record !== null && record.described !== null;
  return event.type === "task.skipped" && record !== null && record.skip !== null;
}

/** The record that an event belongs to. */
export function recordIdOf({ type, data }: RecordedEvent): string {
  return type === "task.skipped" ? (data as TaskSkipped["data"]).skipId : (data as TaskDue["data"]).runId;
}

function blank({ data, time, ...event }: RecordedEvent): RunRecord {
  return {
    runId: recordIdOf({ data, time, ...event } as RecordedEvent),
    taskId: data.taskId,
    status: "queued",
    plannedAt: data.plannedAt,
    endedAt: null,
    result: null,
    error: null,
    skip: null,
    described: null,
    timeoutMs: null,
    attempts: [],
    retryAt: null,
    cancellation: null,
    progress: null,
    log: [],
    contradictions: 0,
    createdAt: time,
    updatedAt: time,
  };
}

function touched(record: RunRecord, time: string): RunRecord {
  const createdAt = time < record.createdAt ? time : record.createdAt;
  const updatedAt = time > record.updatedAt ? time : record.updatedAt;
  return { ...record, createdAt, updatedAt };
}

function describedBy({ name, group, handler, params, strategy, expression }: Described): Described {
  return { name, group, handler, params, strategy, expression };
}

type AttemptFailed = Extract<RunEvent, { type: "run.failed" | "run.timed_out" }>;

/** An attempt failed and another one follows. */
function awaitingRetry(record: RunRecord, event: AttemptFailed): RunRecord {
  const { endedAt, attempt } = event.data;
  const outcome = event.type.slice("run.".length) as Outcome;
  const attempts = withAttempt(record, event.data, { outcome, endedAt, ...errorOf(event) });
  const log = tail(record.log, { ...event.data, lines: event.data.log ?? [] });
  const isLatest = numberOfLatest(record.attempts) <= attempt;
  const retryAt = isLatest ? retryAtOf(event) : record.retryAt;
  const status = hasNoOutcome(record) ? statusBy(attempts) : record.status;
  return { ...record, attempts, log, retryAt, status };
}

/** The status of a run without an outcome: an attempt that has ended waits for the next one. */
function statusBy(attempts: readonly Attempt[]): RunRecord["status"] {
  const latest = numberOfLatest(attempts);
  const hasEnded = attempts.some(({ attempt = 1, endedAt }) => attempt === latest && endedAt !== null);
  return hasEnded ? "retrying" : "running";
}

/** The number of the latest attempt that is known; 0 if there is none. */
export function numberOfLatest(attempts: readonly Attempt[]): number {
  return attempts.reduce((latest, { attempt = 1 }) => Math.max(latest, attempt), 0);
}

function errorOf(event: RunEnded | AttemptFailed): Pick<Attempt, "error"> {
  const { error } = resultOf(event);
  return error ? { error: { type: error.type, message: error.message } } : {};
}

function ended(record: RunRecord, event: RunEnded): RunRecord {
  const outcome = event.type.slice("run.".length) as Outcome;
  const isLost = event.type === "run.lost";
  const attempts =
    isLost || neverStarted(event)
      ? record.attempts
      : withAttempt(record, event.data, {
          outcome,
          endedAt: event.data.endedAt,
          ...(event.data.attempt > 1 && errorOf(event)),
        });
  const log = isLost ? record.log : tail(record.log, { ...event.data, lines: event.data.log ?? [] });
  if (!hasNoOutcome(record)) {
    // The records service and an executor may both cancel a run that has not started.
    const agrees = record.status === "cancelled" && neverStarted(event);
    return { ...record, attempts, log, contradictions: record.contradictions + (agrees ? 0 : 1) };
  }
  const isRetry = record.retryAt !== null;
  const endedAt = isLost ? event.data.lostAt : event.data.endedAt;
  return { ...record, attempts, log, status: outcome, endedAt, ...resultOf(event, { isRetry }) };
}

/** True for a run that was revoked or cancelled before any executor started it. */
function neverStarted(event: RunEnded): boolean {
  return (
    event.type === "run.cancelled" && (event.data.reason === "revoked" || event.data.hasStarted === false)
  );
}

function resultOf(
  event: RunEnded | AttemptFailed,
  { isRetry = false } = {},
): Pick<RunRecord, "result" | "error"> & Partial<RunRecord> {
  switch (event.type) {
    case "run.succeeded":
      return { result: event.data.result ?? null, error: null };
    case "run.failed": {
      const { type, message, stack = null } = event.data.error;
      return { result: null, error: { type, message, stack } };
    }
    case "run.timed_out":
      return failure("RUN_TIMED_OUT", `the run took longer than its timeout of ${event.data.timeoutMs} ms`);
    case "run.cancelled":
      return {
        ...failure("RUN_CANCELLED", isRetry ? RETRY_WITHDRAWN : CANCELLED[event.data.reason]),
        cancellation: cancellationIn(event.data),
      };
    case "run.lost":
      return failure("RUN_LOST", event.data.reason);
  }
}

type RunCancelled = Extract<RunEvent, { type: "run.cancelled" }>;

const RETRY_WITHDRAWN = "the task was paused, changed or deleted while the run waited for its next attempt";

const CANCELLED = {
  revoked: "the task was stopped before the planned time",
  requested: "the run was cancelled on request",
};

function cancellationIn({ requestedAt, requestedBy }: RunCancelled["data"]): Cancellation | null {
  return requestedAt === undefined ? null : { at: requestedAt, by: requestedBy ?? null };
}

function failure(type: string, message: string): Pick<RunRecord, "result" | "error"> {
  return { result: null, error: { type, message, stack: null } };
}

interface StartedAttempt {
  readonly attempt: number;
  readonly executor: string;
  readonly startedAt: string;
}

/** An attempt is one start by one executor. Its start and its end may arrive in either order. */
function withAttempt(
  { attempts }: RunRecord,
  { attempt, executor, startedAt }: StartedAttempt,
  end: Pick<Attempt, "endedAt" | "outcome" | "error"> | null,
): readonly Attempt[] {
  const isSame = (other: Attempt) =>
    other.executor === executor && other.startedAt === startedAt && (other.attempt ?? 1) === attempt;
  const others = attempts.filter((other) => !isSame(other));
  const known = attempts.find(isSame);
  const { endedAt, outcome, error } = end ?? known ?? { endedAt: null, outcome: null };
  const merged: Attempt[] = [
    ...others,
    {
      ...(attempt > 1 && { attempt }),
      executor,
      startedAt,
      endedAt,
      outcome,
      ...(error && { error }),
    },
  ];
  return merged.sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0));
}

interface LogBatch {
  readonly attempt: number;
  readonly lines: readonly LogLine[];
}

function tail(log: readonly LogLine[], { attempt, lines }: LogBatch): readonly LogLine[] {
  if (lines.length === 0) return log;
  const added = attempt > 1 ? lines.map((line) => ({ ...line, attempt })) : lines;
  return [...log, ...added].slice(-LOG_LINES);
}

import type { DataOf } from "./contract.ts";
import { type EventOf, event, eventFamily } from "./event.ts";

/** The first fields of every event of an attempt. */
const attempt = {
  runId: "id",
  taskId: "id",
  /** Counts dispatches by the scheduler: 1, then one more for each retry. */
  attempt: { type: "number", integer: true, min: 1 },
  /** Counts deliveries by the bus; above 1 after an executor died during the attempt. */
  delivery: { type: "number", integer: true, min: 1 },
  executor: "string",
  plannedAt: "instant",
} as const;

const logLine = {
  type: "object",
  strict: true,
  props: {
    at: "instant",
    level: { type: "enum", values: ["debug", "info", "warn", "error"] },
    message: "string",
  },
} as const;

/** A run that ends quickly reports its start and its log in the final event, which saves two messages. */
const ended = {
  ...attempt,
  startedAt: "instant",
  endedAt: "instant",
  log: { type: "array", max: 1000, optional: true, items: logLine },
} as const;

/** When the next attempt is due. If absent, the run has ended with this attempt. */
const retried = { retryAt: { type: "instant", optional: true } } as const;

const example = {
  runId: "66f2a1c00a1b2c3d4e5f6071",
  taskId: "66f2a1b00a1b2c3d4e5f6070",
  attempt: 1,
  delivery: 1,
  executor: "executor-7c9f",
  plannedAt: "2026-01-05T08:00:00.000Z",
} as const;
const exampleEnd = {
  ...example,
  startedAt: "2026-01-05T08:00:00.002Z",
  endedAt: "2026-01-05T08:00:02.005Z",
} as const;

export const runEvents = eventFamily({
  "run.started": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "An attempt started; not published for attempts that end within a few hundred milliseconds.",
    data: {
      ...attempt,
      startedAt: "instant",
      /** The limit that holds for this attempt: the task's, else the handler's, else the executor's. */
      timeoutMs: { type: "number", integer: true, min: 1, optional: true },
    },
    example: { ...example, startedAt: "2026-01-05T08:00:00.002Z", timeoutMs: 60_000 },
  }),
  "run.progressed": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "The handler reported its progress.",
    data: {
      ...attempt,
      at: "instant",
      percent: { type: "number", min: 0, max: 100 },
      message: "string|optional",
    },
    example: { ...example, at: "2026-01-05T08:00:01.000Z", percent: 40, message: "page 2 of 5" },
  }),
  "run.logged": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "Log lines of a running attempt, a batch at a time.",
    data: { ...attempt, lines: { type: "array", max: 1000, items: logLine } },
    example: {
      ...example,
      lines: [{ at: "2026-01-05T08:00:01.000Z", level: "info", message: "fetched 20 rows" }],
    },
  }),
  "run.succeeded": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "An attempt succeeded, with the result of the handler.",
    data: { ...ended, result: { type: "any", optional: true, nullable: true } },
    example: { ...exampleEnd, result: "任务执行完成" },
  }),
  "run.failed": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "An attempt ended with an error.",
    data: {
      ...ended,
      error: {
        type: "object",
        strict: true,
        props: { type: "string", message: "string", stack: "string|optional" },
      },
      retryable: "boolean",
      ...retried,
    },
    example: {
      ...exampleEnd,
      error: {
        type: "HTTP_STATUS",
        message: "GET answered 503",
        stack: "AppError: GET answered 503\n    at …",
      },
      retryable: true,
    },
  }),
  "run.timed_out": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "An attempt was aborted because it took longer than its timeout.",
    data: { ...ended, timeoutMs: { type: "number", integer: true, min: 1 }, ...retried },
    example: { ...exampleEnd, timeoutMs: 2000 },
  }),
  "run.cancelled": event({
    version: 1,
    source: "executor",
    stream: "run",
    summary: "An attempt was cancelled on request, before or after it started.",
    data: {
      ...ended,
      reason: { type: "enum", values: ["revoked", "requested"] },
      /** False if no executor had started the run; then the executor, the start and the delivery mean nothing. */
      hasStarted: "boolean|optional",
      requestedAt: { type: "instant", optional: true },
      /** The user who cancelled the run, if known. */
      requestedBy: "string|optional",
    },
    example: {
      ...exampleEnd,
      reason: "requested",
      hasStarted: true,
      requestedAt: "2026-01-05T08:00:02.000Z",
      requestedBy: "admin",
    },
  }),
  "run.lost": event({
    version: 1,
    source: "records",
    stream: "run",
    summary: "A run was queued or running for longer than its lease allows, and no executor has it.",
    data: {
      runId: "id",
      taskId: "id",
      attempt: { type: "number", integer: true, min: 1 },
      plannedAt: "instant",
      lostAt: "instant",
      reason: "string",
    },
    example: {
      runId: example.runId,
      taskId: example.taskId,
      attempt: 1,
      plannedAt: example.plannedAt,
      lostAt: "2026-01-05T09:00:00.000Z",
      reason: "no sign of life since 2026-01-05T08:00:02.000Z",
    },
  }),
});

/** The request to cancel a run. */
export const cancellation = {
  at: "instant",
  /** The user who cancelled the run; null if unknown. */
  by: { type: "string", nullable: true },
} as const;
export type Cancellation = DataOf<typeof cancellation>;

export type RunEvent = EventOf<typeof runEvents.contracts>;
export type RunEnded = Extract<
  RunEvent,
  { type: "run.succeeded" | "run.failed" | "run.timed_out" | "run.cancelled" | "run.lost" }
>;

/** True for the events after which a run is over: not for a failed attempt that is followed by another one. */
export function isRunEnded(event: { readonly type: string; readonly data?: unknown }): event is RunEnded {
  switch (event.type) {
    case "run.failed":
    case "run.timed_out":
      return retryAtOf(event) === null;
    case "run.succeeded":
    case "run.cancelled":
    case "run.lost":
      return true;
    default:
      return false;
  }
}

/** When the next attempt is due after an attempt that failed or timed out; null if there is none. */
export function retryAtOf({ data }: { readonly data?: unknown }): string | null {
  return (data as { readonly retryAt?: string } | undefined)?.retryAt ?? null;
}

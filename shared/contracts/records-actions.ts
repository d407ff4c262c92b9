import { action, returns } from "./action.ts";
import type { DataOf, Fields } from "./contract.ts";
import { type Page, pagingBy, type Rows, rowsQuery } from "./paging.ts";
import { cancellation } from "./run-events.ts";
import { taskDefinition } from "./task-definition.ts";

const ATTEMPT = {
  /** Position in the run, from 1: retries and redeliveries alike. */
  number: "number",
  executor: "string",
  startedAt: "instant",
  endedAt: { type: "instant", nullable: true },
  outcome: { type: "string", nullable: true },
  error: { type: "object", nullable: true, props: { type: "string", message: "string" } },
} as const;
export type AttemptView = DataOf<typeof ATTEMPT>;

const nullableObject = <const P extends Fields>(props: P) =>
  ({ type: "object", nullable: true, props }) as const;
const { name, group, handler, params, strategy, expression } = taskDefinition;

/** What became of a run so far; a skip has the status `skipped`. */
export const RECORD_STATUS = {
  type: "enum",
  values: [
    "queued",
    "running",
    "retrying",
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "lost",
    "skipped",
  ],
} as const;
export type RunStatus = (typeof RECORD_STATUS)["values"][number];

/** One run or skip as callers see it. The fields of its task are null where it is no longer known. */
const recordView = {
  id: "id",
  taskId: "id",
  status: RECORD_STATUS,
  plannedAt: "instant",
  startedAt: { type: "instant", nullable: true },
  endedAt: { type: "instant", nullable: true },
  /** Seconds from the planned time to the end, waiting included, as the Python original counts it. */
  processTime: { type: "number", nullable: true },
  result: "any",
  error: nullableObject({ type: "string", message: "string", stack: { type: "string", nullable: true } }),
  skip: nullableObject({ reason: "string", count: "number", lastPlannedAt: "instant" }),
  name: { ...name, nullable: true },
  group,
  handler: { ...handler, nullable: true },
  params: { ...params, nullable: true },
  strategy: { ...strategy, nullable: true },
  expression,
  attempts: { type: "array", items: { type: "object", props: ATTEMPT } },
  progress: nullableObject({ percent: "number", message: { type: "string", nullable: true } }),
  /** When the next attempt is due; null unless the status is `retrying`. */
  retryAt: { type: "instant", nullable: true },
  /** Who cancelled the run, and when; null unless it was cancelled on request. */
  cancellation: nullableObject(cancellation),
  log: {
    type: "array",
    items: {
      type: "object",
      props: { at: "instant", level: "string", message: "string", attempt: "number|optional" },
    },
  },
  createdAt: "instant",
  updatedAt: "instant",
} as const;
export type RecordView = DataOf<typeof recordView>;
/** What a list of records can be sorted by; `exception` and `traceback` are the texts of its error. */
export type RecordSortField = Exclude<keyof typeof recordView, "startedAt" | "error"> | ErrorField;
type ErrorField = "errorType" | "exception" | "traceback";
export const RECORD_SORT_FIELDS: readonly RecordSortField[] = [
  ...Object.keys(recordView).filter((field) => field !== "startedAt" && field !== "error"),
  ...(["errorType", "exception", "traceback"] satisfies ErrorField[]),
] as RecordSortField[];

/** Where a run is, in the order of the request. */
export type RunPlace = "ended" | "outbox" | "bus" | "executor" | "retry" | "lost";

/** A run that waits for its next attempt, as of the attempt that failed. */
export interface RetryingRun {
  readonly runId: string;
  readonly attempt: number;
  readonly retryAt: string;
}

export const recordsActions = {
  "records.list": action({
    summary:
      "Runs and skips, a page at a time; what does not fit one message follows by rows. Error: LIST_TOO_LONG.",
    params: { ...pagingBy(RECORD_SORT_FIELDS), taskId: "id|optional" },
    example: { page: 1, limit: 10, orderField: "createdAt", order: "desc" },
    returns: returns<Page<RecordView>>(),
  }),
  "records.rows": action({
    summary:
      "Runs and skips by their ids, as many as fit one message; one that does not fit comes in pieces.",
    params: rowsQuery,
    example: { ids: ["66f2a1c00a1b2c3d4e5f6071"] },
    returns: returns<Rows<RecordView>>(),
  }),
  "records.ended": action({
    summary:
      "Which of these runs have an outcome on record, or had one that was purged with the event of the run; for a scheduler that takes over.",
    params: {
      runs: {
        type: "array",
        max: 5000,
        items: { type: "object", strict: true, props: { taskId: "id", runId: "id", plannedAt: "instant" } },
      },
    },
    example: {
      runs: [
        {
          taskId: "66f2a1b00a1b2c3d4e5f6070",
          runId: "66f2a1c00a1b2c3d4e5f6071",
          plannedAt: "2026-01-05T08:00:00.000Z",
        },
      ],
    },
    returns: returns<{ ended: readonly string[]; retrying?: readonly RetryingRun[] }>(),
  }),
  "records.locate": action({
    summary:
      "Where runs are that have been open for a while: `ended` (its outcome is on record, or was purged), `outbox`, `bus`, `executor`, `retry` (it waits for its next attempt), or `lost`: it was in none of these, and was ended. Errors: retryable, while a service that may have a run does not respond.",
    params: {
      runs: {
        type: "array",
        max: 1000,
        items: { type: "object", strict: true, props: { taskId: "id", runId: "id" } },
      },
    },
    example: { runs: [{ taskId: "66f2a1b00a1b2c3d4e5f6070", runId: "66f2a1c00a1b2c3d4e5f6071" }] },
    returns: returns<{ places: readonly RunPlace[] }>(),
  }),
  "records.status": action({
    summary: "The task and the status of one run or skip. Error: RECORD_NOT_FOUND.",
    params: { runId: "id" },
    example: { runId: "66f2a1c00a1b2c3d4e5f6071" },
    returns: returns<{ taskId: string; status: RunStatus }>(),
  }),
  "records.cancel": action({
    summary:
      "Ends a run that no executor has as cancelled, unless it has an outcome. Errors: retryable, while outcomes wait to be recorded.",
    params: { taskId: "id", runId: "id", ...cancellation },
    example: {
      taskId: "66f2a1b00a1b2c3d4e5f6070",
      runId: "66f2a1c00a1b2c3d4e5f6071",
      at: "2026-01-05T08:00:02.000Z",
      by: "admin",
    },
    returns: returns<null>(),
  }),
  "records.withdraw": action({
    summary:
      "Ends a run that waits for its next attempt as cancelled, because its task was paused, changed or deleted.",
    params: { taskId: "id", runId: "id" },
    example: { taskId: "66f2a1b00a1b2c3d4e5f6070", runId: "66f2a1c00a1b2c3d4e5f6071" },
    returns: returns<null>(),
  }),
  "records.get": action({
    summary: "One run or skip. Errors: RECORD_NOT_FOUND; RECORD_TOO_LARGE for one message, see rows.",
    params: { runId: "id" },
    example: { runId: "66f2a1c00a1b2c3d4e5f6071" },
    returns: returns<RecordView>(),
  }),
} as const;

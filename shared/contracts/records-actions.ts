import { action, returns } from "./action.ts";
import { type Page, paging, type Rows, rowsQuery } from "./paging.ts";

export interface AttemptView {
  /** Position in the run, from 1: retries and redeliveries alike. */
  readonly number: number;
  readonly executor: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: string | null;
}

/** One run or skip as the outside sees it. Instants are ISO-8601 UTC. */
export interface RecordView {
  readonly id: string;
  readonly taskId: string;
  readonly status:
    | "queued"
    | "running"
    | "succeeded"
    | "failed"
    | "timed_out"
    | "cancelled"
    | "lost"
    | "skipped";
  readonly plannedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Seconds from the planned time to the end, waiting included, as the original counts it. */
  readonly processTime: number | null;
  readonly result: unknown;
  readonly error: { readonly type: string; readonly message: string; readonly stack: string | null } | null;
  readonly skip: { readonly reason: string; readonly count: number; readonly lastPlannedAt: string } | null;
  readonly name: string | null;
  readonly group: string | null;
  readonly handler: string | null;
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly strategy: string | null;
  readonly expression: string | null;
  readonly attempts: readonly AttemptView[];
  readonly progress: { readonly percent: number; readonly message: string | null } | null;
  readonly log: readonly { readonly at: string; readonly level: string; readonly message: string }[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Where a run is; answered in the order of the question. */
export type RunPlace = "ended" | "outbox" | "bus" | "executor" | "lost";

export const recordsActions = {
  "records.list": action({
    summary:
      "Runs and skips, a page at a time; what does not fit one message follows by rows. Error: LIST_TOO_LONG.",
    params: { ...paging, taskId: "id|optional" },
    example: { page: 1, limit: 10, orderField: "create_datetime", order: "desc" },
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
      "Which of these runs have an outcome on record, or had one that was forgotten with the run's order; for a scheduler that takes over.",
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
    returns: returns<{ ended: readonly string[] }>(),
  }),
  "records.locate": action({
    summary:
      "Where runs are that have been open for a while: `ended` (its outcome is on record, or was forgotten), `outbox`, `bus`, `executor`, or `lost`: it was nowhere, and was ended. Errors: retryable, while somebody who may have a run does not answer.",
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
  "records.get": action({
    summary: "One run or skip. Errors: RECORD_NOT_FOUND; RECORD_TOO_LARGE for one message, see rows.",
    params: { runId: "id" },
    example: { runId: "66f2a1c00a1b2c3d4e5f6071" },
    returns: returns<RecordView>(),
  }),
} as const;

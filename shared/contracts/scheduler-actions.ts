import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type Page, pagingBy, type Rows, rowsQuery } from "./paging.ts";
import type { RunStatus } from "./records-actions.ts";
import type { Cancellation } from "./run-events.ts";
import { exampleDefinition, taskDefaults, taskDefinition } from "./task-definition.ts";

/** Whether a task is scheduled, paused, or has no occurrence left. */
export const TASK_STATUS = { type: "enum", values: ["active", "paused", "finished"] } as const;

/** A task as callers see it. */
const taskView = {
  id: "id",
  ...taskDefinition,
  isActive: "boolean",
  status: TASK_STATUS,
  createdAt: "instant",
  updatedAt: "instant",
  /** Planned time of the newest occurrence that was dispatched. */
  lastRunAt: { type: "instant", nullable: true },
  nextRunAt: { type: "instant", nullable: true },
} as const;
export type TaskView = DataOf<typeof taskView>;
/** What a list of tasks can be sorted by. */
export type TaskSortField = keyof typeof taskView;
export const TASK_SORT_FIELDS = Object.keys(taskView) as readonly TaskSortField[];

/** Whether a dispatched run may still be started. */
export type RunVerdict = "wanted" | "ended" | "revoked" | "unknown";
/** A run with the request to cancel it. */
export interface CancelledRun {
  readonly runId: string;
  readonly cancellation: Cancellation;
}
/** Runs in one `scheduler.confirmRuns`. */
export const CONFIRM_MAX_RUNS = 1000;

type Defaulted = keyof typeof taskDefaults | "timezone";
const DEFAULTED = [...Object.keys(taskDefaults), "timezone"] as readonly Defaulted[];
type Input = typeof taskDefinition & {
  readonly [F in Defaulted]: (typeof taskDefinition)[F] & { readonly optional: true };
};
/** The definition as callers give it. */
const taskInput = {
  ...taskDefinition,
  ...Object.fromEntries(DEFAULTED.map((field) => [field, { ...taskDefinition[field], optional: true }])),
} as Input;
const exampleInput = Object.fromEntries(
  Object.entries(exampleDefinition).filter(([field]) => !DEFAULTED.some((defaulted) => defaulted === field)),
) as Omit<typeof exampleDefinition, Defaulted>;
const taskId = "66f2a1b00a1b2c3d4e5f6070";

export const schedulerActions = {
  "scheduler.create": action({
    permission: "task.write",
    summary:
      "Defines a task, once for each id that a caller gives. Errors: TRIGGER_INVALID, HANDLER_UNKNOWN, HANDLER_PARAMS_INVALID, TASK_PARAMS_TOO_LARGE; then nothing is stored.",
    params: { taskId: "id|optional", ...taskInput, isActive: "boolean" },
    example: { ...exampleInput, isActive: true },
    returns: returns<{ id: string }>(),
  }),
  "scheduler.change": action({
    permission: "task.write",
    summary:
      "Replaces a task's definition. Errors: TASK_NOT_FOUND and those of create. Returns once no run of the old definition can start any more.",
    params: { taskId: "id", ...taskInput, isActive: "boolean" },
    example: { taskId, ...exampleInput, isActive: true },
    returns: returns<null>(),
  }),
  "scheduler.pause": action({
    permission: "task.write",
    summary:
      "Pauses a task; `changed` is false where it was not active. Error: TASK_NOT_FOUND. Returns once no further run can start.",
    params: { taskId: "id" },
    example: { taskId },
    returns: returns<{ changed: boolean }>(),
  }),
  "scheduler.resume": action({
    permission: "task.write",
    summary:
      "Activates a task; `changed` is false where it was active. Errors: TASK_NOT_FOUND and those of create.",
    params: { taskId: "id" },
    example: { taskId },
    returns: returns<{ changed: boolean }>(),
  }),
  "scheduler.delete": action({
    permission: "task.write",
    summary: "Deletes a task that is not active; its records stay. Errors: TASK_NOT_FOUND, TASK_ACTIVE.",
    params: { taskId: "id" },
    example: { taskId },
    returns: returns<null>(),
  }),
  "scheduler.runNow": action({
    permission: "task.run",
    summary:
      "Runs a task now, independent of its trigger; returns the run's id. Errors: TASK_NOT_FOUND; RATE_LIMITED (429) beyond MANUAL_RUNS_PER_MINUTE.",
    params: { taskId: "id" },
    example: { taskId },
    returns: returns<{ runId: string }>(),
  }),
  "scheduler.cancel": action({
    summary:
      "Cancels a run: it does not start any more, or its handler is aborted and the run ends within a few seconds. `changed` is false if it was cancelled before or has ended, which `status` shows. Error: RECORD_NOT_FOUND.",
    params: { runId: "id" },
    example: { runId: "66f2a1c00a1b2c3d4e5f6071" },
    returns: returns<{ changed: boolean; status: RunStatus | "cancelling" }>(),
  }),
  "scheduler.get": action({
    summary: "One task. Error: TASK_NOT_FOUND.",
    params: { taskId: "id" },
    example: { taskId },
    returns: returns<TaskView>(),
  }),
  "scheduler.list": action({
    summary: "Tasks, a page at a time; what does not fit one message follows by rows. Error: LIST_TOO_LONG.",
    params: pagingBy(TASK_SORT_FIELDS),
    example: { page: 1, limit: 10 },
    returns: returns<Page<TaskView>>(),
  }),
  "scheduler.rows": action({
    summary: "Tasks by their ids, as many as fit one message.",
    params: rowsQuery,
    example: { ids: [taskId] },
    returns: returns<Rows<TaskView>>(),
  }),
  "scheduler.confirm": action({
    summary: "`scheduler.confirmRuns` for one run, as executors of version 0.1 call it.",
    params: { taskId: "id", runId: "id", attempt: { type: "number", integer: true, min: 1 } },
    example: { taskId, runId: "66f2a1c00a1b2c3d4e5f6071", attempt: 1 },
    returns: returns<{ verdict: RunVerdict }>(),
  }),
  "scheduler.confirmRuns": action({
    summary:
      "Whether these runs may still be started, in the order of the request: `wanted`; `ended`: drop it, its outcome is known; `revoked`: its task was paused before it started, so it is to be cancelled; `unknown`: another executor has it, or events about it are still in flight, so repeat the call a little later. `mayHaveEnded` is false for a run that only the calling executor can have executed; its outcome is then not searched for while the scheduler tracks the run. `waitedMs` is how long the call waited before the tasks were read: the verdicts are no older than what the call took beyond that. `cancelled` are those of the revoked runs that somebody cancelled.",
    params: {
      runs: {
        type: "array",
        max: CONFIRM_MAX_RUNS,
        items: {
          type: "object",
          strict: true,
          props: {
            taskId: "id",
            runId: "id",
            mayHaveEnded: "boolean",
            /** Given for runs that may have several. */
            attempt: { type: "number", integer: true, min: 1, optional: true },
          },
        },
      },
    },
    example: { runs: [{ taskId, runId: "66f2a1c00a1b2c3d4e5f6071", mayHaveEnded: false }] },
    returns: returns<{
      verdicts: readonly RunVerdict[];
      waitedMs?: number;
      cancelled?: readonly CancelledRun[];
    }>(),
  }),
  "scheduler.status": action({
    summary:
      "Which node holds the scheduler's lease, whether the called node is active, what keeps it from working, and which of its tasks only skip because they wait for a run that no executor has; for readiness.",
    params: {},
    example: {},
    returns: returns<{
      active: boolean;
      leader: string | null;
      problem: string | null;
      skipping: readonly { taskId: string; name: string; runId: string; place: string | null }[];
    }>(),
  }),
} as const;

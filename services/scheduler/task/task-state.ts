import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Definition } from "./definition.ts";

/** A run of the task that was dispatched and has not ended. */
export interface OpenRun {
  readonly runId: string;
  readonly attempt: number;
  readonly plannedAt: number;
  /** The task was paused or deleted after the dispatch: no executor may start the run. */
  readonly isRevoked: boolean;
  /** Its planned time had come when it was revoked, so that it may have started before. */
  readonly mayHaveStarted?: boolean;
  /** Its latest attempt failed, and the next one is due then (ms). No executor has the run. */
  readonly retryAt?: number;
  /** A failed attempt may be followed by another one, unless the task is changed. */
  readonly mayRetry?: boolean;
  /** The run was cancelled on request: it ends as cancelled. */
  readonly cancellation?: Cancellation;
}

/**
 * A run has ended. The event that says so is on the run's own stream; on the task it only removes the run from the open
 * ones.
 */
export interface RunRemoved {
  readonly type: "runRemoved";
  readonly runId: string;
}

/** Dispatched runs that one task may have open at the same time. Each is part of the task's document. */
export const MAX_OPEN_RUNS = 1000;

export interface DefinedTask {
  readonly status: "active" | "paused" | "finished";
  readonly taskId: string;
  readonly definition: Definition;
  /** When the definition took effect, or the task was resumed: intervals are counted from here. */
  readonly anchorAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Planned time of the newest run. */
  readonly lastRunAt: number | null;
  /** The newest planned time that was dispatched or skipped: no occurrence up to here is planned again. */
  readonly accountedUntil: number | null;
  readonly nextRunAt: number | null;
  readonly openRuns: readonly OpenRun[];
}

export type Task =
  | { readonly status: "none" }
  | DefinedTask
  | { readonly status: "deleted"; readonly openRuns: readonly OpenRun[] };

/** The part of a task that decides whether its runs may start. */
export type TaskRuns =
  | { readonly status: "none" }
  | {
      readonly status: Exclude<Task["status"], "none">;
      readonly openRuns: readonly OpenRun[];
    };

export class TaskNotFound extends AppError {
  constructor(taskId: string) {
    super(`No task has the id ${taskId}`, { type: "TASK_NOT_FOUND", data: { taskId } });
  }
}

export class TaskActive extends AppError {
  constructor(taskId: string) {
    super("An active task cannot be deleted; pause it first", { type: "TASK_ACTIVE", data: { taskId } });
  }
}

export class TooManyOpenRuns extends AppError {
  constructor(taskId: string) {
    super(
      `The task has ${MAX_OPEN_RUNS} open runs, the most that one task may have; try again when some have ended`,
      {
        type: "TASK_TOO_MANY_RUNS",
        data: { taskId, limit: MAX_OPEN_RUNS },
      },
    );
  }
}

/** Runs that were dispatched and have not ended. */
export function openRunsOf(state: TaskRuns): readonly OpenRun[] {
  return state.status === "none" ? [] : state.openRuns;
}

export function openRunOf(state: TaskRuns, runId: string): OpenRun | undefined {
  return openRunsOf(state).find((run) => run.runId === runId);
}

/** The reply to an executor that received a run more than once. */
export function verdictOn(state: TaskRuns, runId: string, attempt?: number): "wanted" | "ended" | "revoked" {
  const run = openRunOf(state, runId);
  if (!run || (attempt !== undefined && hasAttemptEnded(run, attempt))) return "ended";
  return run.isRevoked ? "revoked" : "wanted";
}

function hasAttemptEnded(run: OpenRun, attempt: number): boolean {
  return run.attempt > attempt || (run.attempt === attempt && run.retryAt !== undefined);
}

/** True if the run waits for a retry that will not come, because its task was paused, changed or deleted. */
export function isWithdrawn({ retryAt, isRevoked, mayRetry }: OpenRun): boolean {
  return retryAt !== undefined && (isRevoked || !mayRetry);
}

/** When the first of the task's retries is due (ms); null if none is. */
export function nextRetryAt({ openRuns }: Pick<DefinedTask, "openRuns">): number | null {
  let next: number | null = null;
  for (const run of openRuns)
    if (run.retryAt !== undefined && !isWithdrawn(run) && (next === null || run.retryAt < next))
      next = run.retryAt;
  return next;
}

/** Open runs that must not start. */
export function revokedRuns(state: Task): readonly OpenRun[] {
  return openRunsOf(state).filter(({ isRevoked }) => isRevoked);
}

export function isDefined(state: Task): state is DefinedTask {
  return state.status !== "none" && state.status !== "deleted";
}

/** True while a run is executing or may start. A run that was revoked before its planned time never starts. */
export function mayBeRunning({ openRuns }: DefinedTask): boolean {
  return openRuns.some(({ isRevoked, mayHaveStarted }) => !isRevoked || mayHaveStarted);
}

/** True while the overlap policy, or the number of open runs, does not let the next occurrence be dispatched. */
export function isDispatchBlocked(task: DefinedTask): boolean {
  return task.openRuns.length >= MAX_OPEN_RUNS || (task.definition.overlap === "skip" && mayBeRunning(task));
}

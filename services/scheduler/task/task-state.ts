import { AppError } from "../../../shared/errors.ts";
import type { Definition } from "./definition.ts";

/** A run of the task that was dispatched and has not ended. */
export interface ActiveRun {
  readonly runId: string;
  readonly attempt: number;
  readonly plannedAt: number;
  /** The task was stopped or deleted after the dispatch: no executor may start the run any more. */
  readonly isRevoked: boolean;
  /** Its planned time had come when it was revoked, so that it may have started before. */
  readonly mayHaveStarted?: boolean;
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
  /** Planned time of the newest occurrence that fired. */
  readonly lastRunAt: number | null;
  /** The newest planned time that is settled, by a run or a skip: no occurrence up to here is planned again. */
  readonly settledUntil: number | null;
  readonly nextRunAt: number | null;
  readonly running: readonly ActiveRun[];
}

export type Task =
  | { readonly status: "none" }
  | DefinedTask
  | { readonly status: "deleted"; readonly running: readonly ActiveRun[] };

/** The part of a task that decides whether its runs may start. */
export type TaskRuns =
  | { readonly status: "none" }
  | {
      readonly status: Exclude<Task["status"], "none">;
      readonly running: readonly ActiveRun[];
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

/** Runs that were ordered and have not ended, by the task's books. */
export function runsOf(state: TaskRuns): readonly ActiveRun[] {
  return state.status === "none" ? [] : state.running;
}

/** One of them. */
export function runOf(state: TaskRuns, runId: string): ActiveRun | undefined {
  return runsOf(state).find((active) => active.runId === runId);
}

/** What an executor is told that got a run again. */
export function verdictOn(state: TaskRuns, runId: string): "wanted" | "ended" | "revoked" {
  const run = runOf(state, runId);
  if (!run) return "ended";
  return run.isRevoked ? "revoked" : "wanted";
}

/** Runs that were dispatched and must not start any more. */
export function revokedRuns(state: Task): readonly ActiveRun[] {
  return runsOf(state).filter(({ isRevoked }) => isRevoked);
}

export function isDefined(state: Task): state is DefinedTask {
  return state.status !== "none" && state.status !== "deleted";
}

/** True while a run goes on or will; one that was revoked before its planned time never started. */
export function isBusy({ running }: DefinedTask): boolean {
  return running.some(({ isRevoked, mayHaveStarted }) => !isRevoked || mayHaveStarted);
}

/** True while the next occurrence may not be dispatched: because of the overlap policy, or of too many open runs. */
export function isHeldUp(task: DefinedTask): boolean {
  return task.running.length >= MAX_OPEN_RUNS || (task.definition.overlap === "skip" && isBusy(task));
}

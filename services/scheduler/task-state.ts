import { AppError } from "../../shared/errors.ts";
import type { Definition } from "./definition.ts";
import type { Trigger } from "./trigger.ts";

/** A run of the task that was ordered and has not ended. */
export interface ActiveRun {
  readonly runId: string;
  readonly attempt: number;
  readonly plannedAt: number;
  /** The task was stopped before the planned time: nobody may begin it. */
  readonly isRevoked: boolean;
}

export interface DefinedTask {
  readonly status: "active" | "paused" | "finished";
  readonly taskId: string;
  readonly definition: Definition;
  readonly trigger: Trigger;
  /** When the trigger was last set going: its reckoning starts here. */
  readonly anchorAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Planned time of the newest occurrence that fired. */
  readonly lastRunAt: number | null;
  readonly nextRunAt: number | null;
  readonly running: readonly ActiveRun[];
}

export type Task =
  | { readonly status: "none" }
  | DefinedTask
  | { readonly status: "deleted"; readonly running: readonly ActiveRun[] };

export class TaskNotFound extends AppError {
  constructor(taskId: string) {
    super(`未查询到编号为：${taskId} 的数据！`, { type: "TASK_NOT_FOUND", code: 404, data: { taskId } });
  }
}

export class TaskActive extends AppError {
  constructor(taskId: string) {
    super("请暂停任务后再删除！", { type: "TASK_ACTIVE", code: 400, data: { taskId } });
  }
}

/** Runs that were ordered and have not ended, by the task's books. */
export function runsOf(state: Task): readonly ActiveRun[] {
  return state.status === "none" ? [] : state.running;
}

/** One of them. */
export function runOf(state: Task, runId: string): ActiveRun | undefined {
  return runsOf(state).find((active) => active.runId === runId);
}

/** What an executor is told that got a run again. */
export function verdictOn(state: Task, runId: string): "wanted" | "ended" | "revoked" {
  const run = runOf(state, runId);
  if (!run) return "ended";
  return run.isRevoked ? "revoked" : "wanted";
}

/** Runs that were dispatched ahead and must not begin any more. */
export function revokedRuns(state: Task): readonly ActiveRun[] {
  return runsOf(state).filter(({ isRevoked }) => isRevoked);
}

export function isDefined(state: Task): state is DefinedTask {
  return state.status !== "none" && state.status !== "deleted";
}

/** True while a run goes on or will; one that was revoked nobody may begin. */
export function isBusy({ running }: DefinedTask): boolean {
  return running.some(({ isRevoked }) => !isRevoked);
}

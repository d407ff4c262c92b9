import type { VersionedTask } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { triggerIfValid } from "../task/definition.ts";
import { type DefinedTask, isDefined, isDispatchBlocked, openRunsOf } from "../task/task-state.ts";
import { PlannedTasks } from "./planned-tasks.ts";

/** Maximum number of planned tasks, and of those that are kept in addition for the ends of their runs. */
export const MAX_TASKS = 20_000;
const RETRY_MS = 200;

export interface KeptTasksOptions {
  readonly memory: Pick<TaskCommandHandler, "keep" | "release">;
  /** How long before its planned time an occurrence is dispatched. */
  readonly aheadMs: number;
}

/** The tasks whose states stay in memory, and when each of them has to be dispatched. */
export class KeptTasks {
  readonly planned = new PlannedTasks();
  /** Tasks without a near occurrence that have open runs: otherwise the end of each run would load its task. */
  private readonly awaitingEnds = new Set<string>();
  private readonly options: KeptTasksOptions;

  constructor(options: KeptTasksOptions) {
    this.options = options;
  }

  /**
   * Plans the next occurrence of a task if it is not after `loadedUntil`. Otherwise keeps the task for the ends of its
   * runs, or releases it. Returns true if it is now the first one to be dispatched.
   */
  update(
    taskId: string,
    state: VersionedTask,
    { loadedUntil, now, isRetry = false }: { loadedUntil: number; now: number; isRetry?: boolean },
  ): boolean {
    const { task } = state;
    const nextRunAt = isDefined(task) && task.status === "active" && isValid(task) ? task.nextRunAt : null;
    if (!isDefined(task) || nextRunAt === null || nextRunAt > loadedUntil) {
      if (openRunsOf(task).length > 0 && this.awaitingEnds.size < MAX_TASKS) this.awaitEnds(taskId, state);
      else this.release(taskId);
      return false;
    }
    this.awaitingEnds.delete(taskId);
    this.options.memory.keep(taskId, state);
    const at = dispatchAt(task, nextRunAt, this.options.aheadMs);
    return this.planned.plan(taskId, { nextRunAt, at: isRetry && at <= now ? now + RETRY_MS : at });
  }

  releaseAll(): void {
    for (const taskId of [...this.planned.ids(), ...this.awaitingEnds]) this.release(taskId);
  }

  private awaitEnds(taskId: string, state: VersionedTask): void {
    this.planned.remove(taskId);
    this.awaitingEnds.add(taskId);
    this.options.memory.keep(taskId, state);
  }

  private release(taskId: string): void {
    this.planned.remove(taskId);
    this.awaitingEnds.delete(taskId);
    this.options.memory.release(taskId);
  }
}

/** False if the trigger has become invalid since the task was defined. Such a task can be changed or paused. */
export function isValid({ definition, anchorAt }: DefinedTask): boolean {
  return triggerIfValid(definition, anchorAt) !== null;
}

/** When to dispatch the next occurrence: ahead of its planned time, unless it may have to wait for an earlier run. */
function dispatchAt(task: DefinedTask, nextRunAt: number, aheadMs: number): number {
  return isDispatchBlocked(task) ? nextRunAt : nextRunAt - aheadMs;
}

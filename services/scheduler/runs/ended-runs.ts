import type { CallingOptions } from "moleculer";
import type { RetryingRun } from "../../../shared/contracts/records-actions.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type Caller, call } from "../../../shared/service.ts";
import type { OpenRunsPage, TaskStore } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import type { DefinedTask, OpenRun } from "../task/task-state.ts";

/** An open run with the id of its task. */
export interface TaskRun {
  readonly taskId: string;
  readonly run: OpenRun;
}

/**
 * Compares open runs with the records. A run can have ended without its task having received the event, if the
 * scheduler that received it died before it stored that.
 */
export interface EndedRuns {
  /**
   * Those of the runs that have ended, and those that wait for their next attempt, as recorded. Changes nothing.
   *
   * @throws what the call of the records service throws
   */
  find(runs: readonly TaskRun[], limits: CallingOptions): Promise<RecordedRuns>;
  /** Notes that runs wait for their next attempts. */
  awaitRetries(runs: readonly TaskRun[], retrying: readonly RetryingRun[]): Promise<void>;
  /** Removes ended runs from the open runs of their tasks. */
  remove(runs: readonly TaskRun[]): Promise<void>;
  /** Finds and removes the ended runs of these tasks. Logs a failure: the run watch compares them again. */
  reconcile(tasks: readonly DefinedTask[]): Promise<void>;
}

export interface RecordedRuns {
  readonly ended: ReadonlySet<string>;
  readonly retrying: readonly RetryingRun[];
}

export interface EndedRunsDeps {
  readonly caller: Caller;
  readonly commandHandler: Pick<TaskCommandHandler, "endRun" | "awaitRetry">;
  readonly log: Log;
}

const CALL_TIMEOUT_MS = 3000;
/** Maximum number of runs of one `records.ended`. */
const CALL_MAX_RUNS = 5000;

export function endedRuns({ caller, commandHandler, log }: EndedRunsDeps): EndedRuns {
  async function find(runs: readonly TaskRun[], limits: CallingOptions): Promise<RecordedRuns> {
    if (runs.length === 0) return NOTHING_RECORDED;
    const { ended, retrying = [] } = await call(
      caller,
      "records.ended",
      { runs: runs.map(plannedRun) },
      limits,
    );
    return { ended: new Set(ended), retrying };
  }

  async function awaitRetries(runs: readonly TaskRun[], retrying: readonly RetryingRun[]): Promise<void> {
    const taskIds = new Map(runs.map(({ taskId, run }) => [run.runId, taskId]));
    const noted = retrying.map(({ runId, attempt, retryAt }) => {
      const taskId = taskIds.get(runId);
      return taskId && commandHandler.awaitRetry({ taskId, runId, attempt, retryAt: Date.parse(retryAt) });
    });
    await Promise.all(noted);
  }

  async function remove(runs: readonly TaskRun[]): Promise<void> {
    await Promise.all(runs.map(({ taskId, run: { runId } }) => commandHandler.endRun({ taskId, runId })));
  }

  return {
    find,
    awaitRetries,
    remove,
    async reconcile(tasks) {
      const runs = tasks.flatMap(taskRunsOf);
      try {
        for (let from = 0; from < runs.length; from += CALL_MAX_RUNS) {
          const chunk = runs.slice(from, from + CALL_MAX_RUNS);
          const { ended, retrying } = await find(chunk, { timeout: CALL_TIMEOUT_MS });
          await awaitRetries(chunk, retrying);
          await remove(chunk.filter(({ run }) => ended.has(run.runId)));
        }
      } catch (error) {
        log.warn({ reason: errorMessage(error) }, "open runs could not be compared with the records");
      }
    },
  };
}

export const NO_RUNS: ReadonlySet<string> = new Set();
export const NOTHING_RECORDED: RecordedRuns = { ended: NO_RUNS, retrying: [] };

export function taskRunsOf({ taskId, openRuns }: DefinedTask): TaskRun[] {
  return openRuns.map((run) => ({ taskId, run }));
}

/** All tasks with open runs, also paused and finished ones, a page at a time. */
export async function* tasksWithOpenRuns(
  tasks: Pick<TaskStore, "withOpenRuns">,
  pageSize: number,
): AsyncIterable<readonly DefinedTask[]> {
  for (let after: string | null = ""; after !== null; ) {
    const page: OpenRunsPage = await tasks.withOpenRuns(after, pageSize);
    yield page.tasks;
    after = page.last;
  }
}

function plannedRun({ taskId, run: { runId, plannedAt } }: TaskRun) {
  return { taskId, runId, plannedAt: new Date(plannedAt).toISOString() };
}

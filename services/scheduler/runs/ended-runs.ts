import type { CallingOptions } from "moleculer";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type Caller, call } from "../../../shared/service.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import type { ActiveRun, DefinedTask } from "../task/task-state.ts";

/** A run that its task tracks as open. */
export interface TrackedRun {
  readonly taskId: string;
  readonly run: ActiveRun;
}

/** Runs that have ended according to the records, while their tasks still track them. */
export interface EndedRuns {
  /**
   * Returns the ids of those runs whose end is recorded.
   *
   * @throws the errors of `records.ended`
   */
  find(runs: readonly TrackedRun[], limits?: CallingOptions): Promise<ReadonlySet<string>>;
  /** Removes ended runs from their tasks. */
  remove(runs: readonly TrackedRun[]): Promise<void>;
  /**
   * Finds and removes the ended runs of tasks: a scheduler may have stopped between the record of an end and its own
   * note, and such a run would hold up the next occurrence. Logs a failure.
   */
  reconcile(tasks: readonly DefinedTask[]): Promise<void>;
}

export interface EndedRunsOptions {
  readonly caller: Caller;
  readonly commandHandler: Pick<TaskCommandHandler, "endRun">;
  readonly log: Log;
}

/** The most that `records.ended` takes. */
const RUNS_PER_CALL = 5000;
const RECONCILE_LIMITS: CallingOptions = { timeout: 3000 };

export function endedRuns({ caller, commandHandler, log }: EndedRunsOptions): EndedRuns {
  async function find(runs: readonly TrackedRun[], limits?: CallingOptions): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let from = 0; from < runs.length; from += RUNS_PER_CALL) {
      const params = { runs: runs.slice(from, from + RUNS_PER_CALL).map(plannedRun) };
      const { ended } = await call(caller, "records.ended", params, limits);
      for (const runId of ended) found.add(runId);
    }
    return found;
  }

  async function remove(runs: readonly TrackedRun[]): Promise<void> {
    await Promise.all(runs.map(({ taskId, run: { runId } }) => commandHandler.endRun({ taskId, runId })));
  }

  return {
    find,
    remove,
    async reconcile(tasks) {
      const runs = tasks.flatMap(({ taskId, running }) => running.map((run) => ({ taskId, run })));
      try {
        const ended = await find(runs, RECONCILE_LIMITS);
        await remove(runs.filter(({ run }) => ended.has(run.runId)));
      } catch (error) {
        log.warn({ reason: errorMessage(error) }, "open runs could not be compared with the records");
      }
    },
  };
}

function plannedRun({ taskId, run: { runId, plannedAt } }: TrackedRun) {
  return { taskId, runId, plannedAt: new Date(plannedAt).toISOString() };
}

import type { ServiceBroker } from "moleculer";
import type { ActionResult } from "../../../shared/contracts/actions.ts";
import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import { errorMessage, isRetryable } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { nodesOffering, type OfferingNode } from "../../../shared/nodes-offering.ts";
import { call, readOnlyCall } from "../../../shared/service.ts";
import type { TaskStore } from "../store/mongo-tasks.ts";
import { isWithdrawn, type OpenRun } from "../task/task-state.ts";

/** A run that was cancelled on request. */
export interface CancelledRun {
  readonly taskId: string;
  readonly runId: string;
  readonly cancellation: Cancellation;
  /** No executor has the run, because it waits for its next attempt. */
  readonly isWaiting?: boolean;
}

/** Ends cancelled runs, wherever they are. */
export interface RunCancellation {
  /**
   * Finds a run and its status.
   *
   * @throws `RECORD_NOT_FOUND`, and what the call of the records service throws
   */
  find(runId: string): Promise<ActionResult<"records.status">>;
  /**
   * Aborts the run at the executor that has it. If no executor has it, records it as cancelled. Resolves when that is
   * done, or has to be tried again: true if it is done.
   */
  carryOut(run: CancelledRun): Promise<boolean>;
  /**
   * Ends a run whose next attempt was withdrawn with its task, unless it has an outcome. Resolves when that is done, or
   * has to be tried again.
   */
  withdraw(taskId: string, runId: string): Promise<void>;
  /** Ends those open runs whose next attempts were withdrawn or cancelled. */
  endWaiting(taskId: string, runs: readonly OpenRun[]): Promise<void>;
}

export interface RunCancellationOptions {
  readonly broker: ServiceBroker;
  readonly tasks: Pick<TaskStore, "taskOf">;
  readonly log: Log;
  /** After this the bus gives the run of an unreachable executor to another one, which then confirms it. */
  readonly ackWaitMs: number;
}

/** What one executor reports about a run. */
type Report = "held" | "absent" | "unknown";

const CALL_TIMEOUT_MS = 1000;
const RECORD_TIMEOUT_MS = 3000;

export function runCancellation(options: RunCancellationOptions): RunCancellation {
  const { broker, tasks, log, ackWaitMs } = options;

  async function cancelAt(
    node: OfferingNode,
    { taskId, runId, cancellation }: CancelledRun,
  ): Promise<Report> {
    const { id: nodeID, available, lastHeartbeatTime } = node;
    // An executor that has been silent for longer has lost the run to another one.
    if (!available) return (process.uptime() - lastHeartbeatTime) * 1000 > ackWaitMs ? "absent" : "unknown";
    try {
      const limits = { nodeID, timeout: CALL_TIMEOUT_MS };
      const { isHeld } = await call(broker, "executor.cancel", { runId, ...cancellation }, limits);
      return isHeld ? "held" : "absent";
    } catch (error) {
      log.warn({ taskId, runId, reason: errorMessage(error) }, "an executor did not confirm a cancellation");
      return "unknown";
    }
  }

  async function record(
    { taskId, runId }: Pick<CancelledRun, "taskId" | "runId">,
    recorded: Promise<unknown>,
  ): Promise<boolean> {
    try {
      await recorded;
      return true;
    } catch (error) {
      const fields = { taskId, runId, reason: errorMessage(error) };
      if (isRetryable(error)) log.debug(fields, "a cancelled run is not recorded yet; trying again");
      else log.warn(fields, "a cancelled run is not recorded yet; trying again");
      return false;
    }
  }

  async function carryOut(run: CancelledRun): Promise<boolean> {
    const { taskId, runId, cancellation, isWaiting = false } = run;
    const nodes = isWaiting ? [] : nodesOffering(broker, "executor");
    const reports = await Promise.all(nodes.map((node) => cancelAt(node, run)));
    if (reports.includes("held")) return true;
    if (reports.includes("unknown")) return false;
    const limits = { timeout: RECORD_TIMEOUT_MS };
    return record(run, call(broker, "records.cancel", { taskId, runId, ...cancellation }, limits));
  }

  async function withdraw(taskId: string, runId: string): Promise<void> {
    const run = { taskId, runId };
    await record(run, call(broker, "records.withdraw", run, { timeout: RECORD_TIMEOUT_MS }));
  }

  return {
    async find(runId) {
      try {
        return await call(broker, "records.status", { runId }, readOnlyCall);
      } catch (error) {
        // The record of a run that was dispatched late may not be written yet, or the records service is away.
        const taskId = await tasks.taskOf(runId);
        if (taskId === null) throw error;
        return { taskId, status: "queued" };
      }
    },
    carryOut,
    withdraw,
    async endWaiting(taskId, runs) {
      const ended = runs.filter(isWithdrawn).map(({ runId, cancellation }) => {
        if (!cancellation) return withdraw(taskId, runId);
        return carryOut({ taskId, runId, cancellation, isWaiting: true });
      });
      await Promise.all(ended);
    },
  };
}

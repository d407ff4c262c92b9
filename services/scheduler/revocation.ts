import type { ServiceBroker } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import { errorMessage } from "../../shared/errors.ts";
import type { Log } from "../../shared/log.ts";
import { call } from "../../shared/service.ts";
import type { ActiveRun } from "./task-state.ts";

export interface Revocation {
  /**
   * Resolves when none of these runs can begin any more: every executor has given up what it holds and will refuse
   * what it may yet receive, or the planned times have passed and with them the reason to wait.
   */
  revoke(taskId: string, runs: readonly ActiveRun[]): Promise<void>;
  /** Resolves when the planned times of these runs have passed. */
  pass(runs: readonly ActiveRun[]): Promise<void>;
}

export interface RevocationOptions {
  readonly broker: ServiceBroker;
  readonly clock: Clock;
  readonly log: Log;
}

interface RegisteredNode {
  readonly id: string;
  readonly available: boolean;
  readonly services?: readonly { readonly name: string }[];
}

const ASK_TIMEOUT_MS = 1000;

export function createRevocation({ broker, clock, log }: RevocationOptions): Revocation {
  /** Nodes with an executor, those included that vanished without taking their leave. */
  function executorNodes(): readonly RegisteredNode[] {
    const nodes = broker.registry.nodes.toArray() as unknown as readonly RegisteredNode[];
    return nodes.filter(({ services }) => services?.some(({ name }) => name === "executor"));
  }

  async function pass(runs: readonly ActiveRun[]): Promise<void> {
    const last = Math.max(0, ...runs.map(({ plannedAt }) => plannedAt));
    const wait = last - clock.now();
    if (wait >= 0) await new Promise((resolve) => setTimeout(resolve, wait + 1));
  }

  return {
    pass,

    async revoke(taskId, runs) {
      if (runs.length === 0) return;
      const runIds = runs.map(({ runId }) => runId);
      const asked = executorNodes().map(({ id: nodeID, available }) =>
        available
          ? call(broker, "executor.revoke", { taskId, runIds }, { nodeID, timeout: ASK_TIMEOUT_MS })
          : Promise.reject(new Error(`${nodeID} is out of sight`)),
      );
      const silent = (await Promise.allSettled(asked)).filter((answer) => answer.status === "rejected");
      if (silent.length === 0) return;
      log.warn(
        { taskId, reason: errorMessage(silent[0]?.reason) },
        "an executor did not confirm a revocation",
      );
      await pass(runs);
    },
  };
}

import type { ServiceBroker } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import { LATE_START_MS, VERDICT_MAX_AGE_MS } from "../../shared/contracts/start-rules.ts";
import { errorMessage } from "../../shared/errors.ts";
import type { Log } from "../../shared/log.ts";
import { nodesOffering, type OfferingNode } from "../../shared/nodes-offering.ts";
import { call } from "../../shared/service.ts";
import type { ActiveRun } from "./task-state.ts";

export interface Revocation {
  /**
   * Resolves when none of these runs can start any more: every executor has given up what it holds and will refuse
   * what it may yet receive. Where one does not answer, when it could start none of them without asking first.
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

const ASK_TIMEOUT_MS = 1000;
/** As many ids as one call takes. */
const CHUNK = 1000;
/** For the start itself, once an executor has decided on it. */
const START_MS = 100;

export function createRevocation({ broker, clock, log }: RevocationOptions): Revocation {
  async function waitUntil(instant: number): Promise<void> {
    const wait = instant - clock.now();
    if (wait >= 0) await new Promise((resolve) => setTimeout(resolve, wait + 1));
  }

  async function ask({ id: nodeID, available }: OfferingNode, taskId: string, runIds: readonly string[]) {
    if (!available) throw new Error(`${nodeID} cannot be reached`);
    const options = { nodeID, timeout: ASK_TIMEOUT_MS };
    for (let from = 0; from < runIds.length; from += CHUNK) {
      await call(broker, "executor.revoke", { taskId, runIds: runIds.slice(from, from + CHUNK) }, options);
    }
  }

  return {
    pass: (runs) => waitUntil(lastOf(runs)),

    async revoke(taskId, runs) {
      if (runs.length === 0) return;
      const askedAt = clock.now();
      const runIds = runs.map(({ runId }) => runId);
      const answers = await Promise.allSettled(
        nodesOffering(broker, "executor").map((node) => ask(node, taskId, runIds)),
      );
      const silent = answers.find((answer) => answer.status === "rejected");
      if (!silent) return;
      log.warn({ taskId, reason: errorMessage(silent.reason) }, "an executor did not confirm a revocation");
      // Until then it could start one unasked, later one that it had asked about before.
      await waitUntil(START_MS + Math.max(lastOf(runs) + LATE_START_MS, askedAt + VERDICT_MAX_AGE_MS));
    },
  };
}

const lastOf = (runs: readonly ActiveRun[]) => Math.max(0, ...runs.map(({ plannedAt }) => plannedAt));

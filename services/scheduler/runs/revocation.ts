import type { ServiceBroker } from "moleculer";
import type { Clock } from "../../../shared/clock.ts";
import { LATE_START_MS, VERDICT_MAX_AGE_MS } from "../../../shared/contracts/start-rules.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { nodesOffering, type OfferingNode } from "../../../shared/nodes-offering.ts";
import { call } from "../../../shared/service.ts";
import type { OpenRun } from "../task/task-state.ts";
import type { ExecutorDiscovery } from "./executor-discovery.ts";

export interface Revocation {
  /**
   * Resolves when none of these runs can start: every executor has cancelled those in flight and rejects those that it
   * receives later. If an executor does not respond, resolves when it could start none of them without a confirmation.
   */
  revoke(taskId: string, runs: readonly OpenRun[]): Promise<void>;
  /** Resolves when the planned times of these runs have passed. */
  waitForPlannedTimes(runs: readonly OpenRun[]): Promise<void>;
}

export interface RevocationOptions {
  readonly broker: ServiceBroker;
  readonly discovery: ExecutorDiscovery;
  readonly clock: Clock;
  readonly log: Log;
  /** How long before its planned time a run is dispatched. */
  readonly aheadMs: number;
}

const CALL_TIMEOUT_MS = 1000;
/** Maximum number of ids of one call. */
const CHUNK = 1000;
/** For the start itself, once an executor has decided on it. */
const START_MS = 100;
/** Heartbeats are sent once a second and recorded in whole seconds. */
const HEARTBEAT_SLACK_MS = 2000;

export function createRevocation({ broker, discovery, clock, log, aheadMs }: RevocationOptions): Revocation {
  async function waitUntil(instant: number): Promise<void> {
    const until = performance.now() + instant - clock.now() + 1;
    // A timer may end a fraction of a millisecond early: a stop that returned then could precede a start.
    for (let left = until - performance.now(); left > 0; left = until - performance.now())
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
  }

  /** From which instant on the executor starts none of the runs without a confirmation; 0 if it revoked them. */
  async function revokeAt({ id: nodeID, ...node }: OfferingNode, taskId: string, runs: readonly OpenRun[]) {
    const last = lastOf(runs);
    const calledAt = clock.now();
    if (!node.available) {
      // It has received nothing that was dispatched after its last heartbeat, and its verdicts are outdated.
      const silentSince = calledAt - (process.uptime() - node.lastHeartbeatTime) * 1000;
      return Math.min(last, silentSince + HEARTBEAT_SLACK_MS + aheadMs) + LATE_START_MS;
    }
    try {
      const options = { nodeID, timeout: CALL_TIMEOUT_MS };
      for (let from = 0; from < runs.length; from += CHUNK) {
        const runIds = runs.slice(from, from + CHUNK).map(({ runId }) => runId);
        await call(broker, "executor.revoke", { taskId, runIds }, options);
      }
      return 0;
    } catch (error) {
      log.warn({ taskId, reason: errorMessage(error) }, "an executor did not confirm a revocation");
      return unconfirmedAt(runs, calledAt);
    }
  }

  /** From which instant on an executor that did not receive the revocation starts none of the runs. */
  const unconfirmedAt = (runs: readonly OpenRun[], calledAt: number): number =>
    Math.max(lastOf(runs) + LATE_START_MS, calledAt + VERDICT_MAX_AGE_MS);

  return {
    waitForPlannedTimes: (runs) => waitUntil(lastOf(runs)),

    async revoke(taskId, runs) {
      if (runs.length === 0) return;
      const unknownAt = discovery.isIncomplete() ? unconfirmedAt(runs, clock.now()) : 0;
      const revoked = nodesOffering(broker, "executor").map((node) => revokeAt(node, taskId, runs));
      await waitUntil(Math.max(unknownAt, ...(await Promise.all(revoked))) + START_MS);
    },
  };
}

const lastOf = (runs: readonly OpenRun[]) => Math.max(0, ...runs.map(({ plannedAt }) => plannedAt));

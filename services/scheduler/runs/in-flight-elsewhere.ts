import type { ServiceBroker } from "moleculer";
import { nodesOffering } from "../../../shared/nodes-offering.ts";
import { call } from "../../../shared/service.ts";
import type { ExecutorDiscovery } from "./executor-discovery.ts";

/**
 * Ids of those runs that an executor has to leave to another one: the other one has reserved them, or both have received
 * them and the node id of the other one sorts first. An executor that does not respond in time gets no run: before it
 * starts anything it has to confirm it. While executors may be unknown here, all runs are left to others.
 */
export type InFlightElsewhere = (runIds: readonly string[], executor: string) => Promise<ReadonlySet<string>>;

const RESPONSE_LIMIT_MS = 700;

export function inFlightElsewhere(broker: ServiceBroker, discovery: ExecutorDiscovery): InFlightElsewhere {
  return async (runIds, executor) => {
    if (discovery.isIncomplete()) return new Set(runIds);
    const others = nodesOffering(broker, "executor").filter(
      ({ id, available }) => available && id !== executor,
    );
    const calls = others.map(async ({ id: nodeID }) => {
      const limits = { nodeID, timeout: RESPONSE_LIMIT_MS };
      const { held, started } = await call(broker, "executor.inFlight", { runIds: [...runIds] }, limits);
      return nodeID < executor ? held : started;
    });
    const responses = await Promise.allSettled(calls);
    return new Set(responses.flatMap((response) => (response.status === "fulfilled" ? response.value : [])));
  };
}

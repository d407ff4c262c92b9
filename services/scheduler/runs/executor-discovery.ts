import type { ServiceBroker } from "moleculer";
import { nodesOffering } from "../../../shared/nodes-offering.ts";

/** Whether this process may not know all running executors. */
export interface ExecutorDiscovery {
  /**
   * True for a while after the start, after a time in which no other process was reachable, and after an executor stopped
   * responding, which may have been the fault of the network.
   */
  isIncomplete(): boolean;
}

/** Every process sends a heartbeat each second, which makes it known again. */
const DISCOVERY_MS = 3000;

interface Disconnected {
  readonly node: { readonly id: string };
  readonly unexpected: boolean;
}

/** In one process there is nothing to discover. */
export function executorDiscovery(broker: ServiceBroker, limitMs = DISCOVERY_MS): ExecutorDiscovery {
  let changedAt = performance.now();
  const change = () => {
    changedAt = performance.now();
  };
  const reachable = () =>
    broker.registry.nodes.toArray().filter(({ local, available }) => available && !local).length;
  broker.localBus.on("$node.connected", () => {
    if (reachable() <= 1) change();
  });
  broker.localBus.on("$node.disconnected", ({ node, unexpected }: Disconnected) => {
    if (unexpected && nodesOffering(broker, "executor").some(({ id }) => id === node.id)) change();
  });
  return { isIncomplete: () => broker.transit !== undefined && performance.now() - changedAt < limitMs };
}

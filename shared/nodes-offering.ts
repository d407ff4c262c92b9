import type { ServiceBroker } from "moleculer";

/** A process that runs a service. A process that vanished stays listed for ten minutes. */
export interface OfferingNode {
  readonly id: string;
  readonly available: boolean;
  /** Time of the last heartbeat, in seconds of `process.uptime()`; 0 for this process itself. */
  readonly lastHeartbeatTime: number;
}

interface RegisteredNode extends OfferingNode {
  readonly services?: readonly { readonly name: string }[];
}

/** The nodes that offer a service, available or not. */
export function nodesOffering(broker: ServiceBroker, service: string): readonly OfferingNode[] {
  const nodes = broker.registry.nodes.toArray() as unknown as readonly RegisteredNode[];
  return nodes.filter(({ services }) => services?.some(({ name }) => name === service));
}

import type { ServiceBroker } from "moleculer";

/** A process that is known to run a service; one that vanished without a word is known for ten minutes more. */
export interface OfferingNode {
  readonly id: string;
  readonly available: boolean;
  /** When its last heartbeat came, in seconds of `process.uptime()`; 0 for this process itself. */
  readonly lastHeartbeatTime: number;
}

interface RegisteredNode extends OfferingNode {
  readonly services?: readonly { readonly name: string }[];
}

export function nodesOffering(broker: ServiceBroker, service: string): readonly OfferingNode[] {
  const nodes = broker.registry.nodes.toArray() as unknown as readonly RegisteredNode[];
  return nodes.filter(({ services }) => services?.some(({ name }) => name === service));
}

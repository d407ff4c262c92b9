import type { Service, ServiceBroker } from "moleculer";

/**
 * Every service, in the order in which a process stops them: first no new requests, then the running handlers end,
 * then their events are recorded. Any of them may call auth.
 */
export const serviceNames = ["gateway", "executor", "crawler", "scheduler", "records", "auth"] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Stops the services of a broker one after the other, in the order above; a broker by itself stops all at once. */
export async function stopServices(broker: ServiceBroker): Promise<void> {
  for (const name of serviceNames) {
    const service = broker.getLocalService(name) as Service | undefined;
    if (service) await broker.destroyService(service);
  }
}

import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { crawlerService } from "../services/crawler/crawler.service.ts";
import { executorService } from "../services/executor/executor.service.ts";
import type { Handler } from "../services/executor/handler/define-handler.ts";
import { builtInHandlers } from "../services/executor/handlers/built-in-handlers.ts";
import type { ReadinessCheck } from "../services/gateway/endpoints/readiness.ts";
import { gatewayService } from "../services/gateway/gateway.service.ts";
import { recordsService } from "../services/records/records.service.ts";
import { schedulerService } from "../services/scheduler/scheduler.service.ts";
import { systemClock as clock } from "../shared/clock.ts";
import type { Config } from "../shared/config.ts";

interface Surroundings {
  readonly broker: ServiceBroker;
  /** Handlers in addition to the built-in ones. */
  readonly handlers: readonly Handler[];
  /** Readiness checks of the process itself. */
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
}
type Factory = (config: Config, surroundings: Surroundings) => ServiceSchema;

/**
 * Every service by name, in the order in which a process stops them: first no new requests, then the running handlers
 * end, then their events are recorded.
 */
export const serviceFactories = {
  gateway: (config, { readiness }) => gatewayService({ config, readiness }),
  executor: (config, { broker, handlers }) => {
    const builtIn = builtInHandlers({ httpAllowPrivate: config.httpAllowPrivate });
    return executorService({ config, bus: broker.bus, clock, handlers: [...builtIn, ...handlers] });
  },
  crawler: (config) => crawlerService({ config, clock }),
  scheduler: (config) => schedulerService({ config, clock }),
  records: (config) => recordsService({ config, clock }),
} as const satisfies Readonly<Record<string, Factory>>;

export type ServiceName = keyof typeof serviceFactories;
export const serviceNames = Object.keys(serviceFactories) as readonly ServiceName[];

/** Stops the services of a broker one after the other in the order above; a broker itself stops all at once. */
export async function stopServices(broker: ServiceBroker): Promise<void> {
  for (const name of serviceNames) {
    const service = broker.getLocalService(name) as Service | undefined;
    if (service) await broker.destroyService(service);
  }
}

import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { FirstLogin } from "../services/auth/access-parts.ts";
import type { Handler } from "../services/executor/handler/define-handler.ts";
import { systemClock as clock } from "../shared/clock.ts";
import type { Config } from "../shared/config.ts";
import type { ReadinessCheck } from "../shared/monitoring/monitoring.ts";
import type { ServiceName } from "./service-names.ts";

interface Surroundings {
  readonly broker: ServiceBroker;
  /** Handlers in addition to the built-in ones. */
  readonly handlers: readonly Handler[];
  /** Readiness checks of the process itself. */
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
  /** Called if a service fails after it has started; the process then has to end. */
  readonly onFailure: (error: unknown) => void;
  /** Receives the administrator that the first start makes. */
  readonly onFirstLogin: (login: FirstLogin) => void;
}
type Factory = (config: Config, surroundings: Surroundings) => Promise<ServiceSchema>;

/** Each one loads its service when it is called: a process loads only what it runs. */
export const serviceFactories: Readonly<Record<ServiceName, Factory>> = {
  async gateway(config, { readiness }) {
    const { gatewayService } = await import("../services/gateway/gateway.service.ts");
    return gatewayService({ config, readiness });
  },
  async executor(config, { broker, handlers }) {
    const [{ executorService }, { builtInHandlers }] = await Promise.all([
      import("../services/executor/executor.service.ts"),
      import("../services/executor/handlers/built-in-handlers.ts"),
    ]);
    const builtIn = builtInHandlers(config);
    return executorService({ config, bus: broker.bus, clock, handlers: [...builtIn, ...handlers] });
  },
  async crawler(config) {
    const { crawlerService } = await import("../services/crawler/crawler.service.ts");
    return crawlerService({ config, clock });
  },
  async scheduler(config) {
    const { schedulerService } = await import("../services/scheduler/scheduler.service.ts");
    return schedulerService({ config, clock });
  },
  async records(config) {
    const { recordsService } = await import("../services/records/records.service.ts");
    return recordsService({ config, clock });
  },
  async auth(config, { onFailure, onFirstLogin }) {
    const { authService } = await import("../services/auth/auth.service.ts");
    return authService({ config, clock, onFailure, onFirstLogin });
  },
};

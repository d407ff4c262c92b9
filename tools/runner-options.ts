import type { BrokerOptions, Middleware } from "moleculer";
import { brokerOptions } from "../shared/broker.ts";
import { type Config, loadConfig } from "../shared/config.ts";
import { createLogger } from "../shared/logger.ts";
import { type EmbeddedStore, startEmbeddedStore } from "./embedded-store.ts";
import { replOptions } from "./inspect/repl-commands.ts";
import { addressOf } from "./launch.ts";
import { type ProcessHealth, startHealth } from "./process-health.ts";
import { failCommand } from "./run-until-stopped.ts";
import { stopServices } from "./service-names.ts";

/** What `moleculer-runner` passes as `this` to a configuration that is a function. */
interface Runner {
  readonly flags: { mask?: string };
}

/**
 * The configuration of `moleculer-runner`: broker options as those of our own commands, TypeScript services, and the
 * embedded store if neither NATS nor MongoDB is configured. Exits with status 1 if it cannot start.
 */
export async function runnerOptions(this: Runner): Promise<BrokerOptions> {
  this.flags.mask ??= "**/*.service.ts";
  try {
    return await optionsFor(loadConfig());
  } catch (error) {
    return failCommand(error);
  }
}

async function optionsFor(given: Config): Promise<BrokerOptions> {
  const logger = createLogger(given);
  const health = await startHealth(given);
  const store = given.natsUrl || given.mongoUrl ? undefined : await startEmbeddedStore(given, logger);
  store?.failed.catch(failCommand);
  const options = await brokerOptions(store?.config ?? given, {
    logger,
    isVerbose: true,
    monitoring: health.monitoring,
  });
  // The first middleware stops last, so the store outlives the bus.
  return { ...options, replOptions, middlewares: [lifecycle(store, health), ...(options.middlewares ?? [])] };
}

/** Does for a runner's broker what `launch` does for its own. */
function lifecycle(store: EmbeddedStore | undefined, health: ProcessHealth): Middleware {
  return {
    name: "Lifecycle",
    created(broker) {
      const start = broker.start.bind(broker);
      broker.start = () => start().catch(failCommand);
    },
    async started(broker) {
      health.enter("running");
      const address = addressOf(broker);
      if (address) broker.logger.info(`kinit-fast-task listens on ${address}`);
    },
    async stopping(broker) {
      health.enter("stopping");
      await stopServices(broker);
    },
    async stopped() {
      await store?.close();
      await health.close();
    },
  };
}

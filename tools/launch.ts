import { join } from "node:path";
import type { Service, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import type { Handler } from "../services/executor/define-handler.ts";
import type { ReadinessCheck } from "../services/gateway/readiness.ts";
import { createBroker } from "../shared/broker.ts";
import { type Config, withEmbeddedStore } from "../shared/config.ts";
import { budgetNews } from "../shared/embedded/mongo/budget.ts";
import { type MongoThread, startMongoThread } from "../shared/embedded/mongo/start-mongo-thread.ts";
import { AppError } from "../shared/errors.ts";
import { createLogger } from "../shared/logger.ts";
import { type ServiceName, serviceFactories, serviceNames } from "./service-factories.ts";

/** Services that run in this process. */
export interface Launched {
  readonly broker: ServiceBroker;
  readonly config: Config;
  /** Where the gateway listens, if it is among the services. */
  readonly address: string | null;
  /** Rejects when the embedded store fails; what is running cannot go on then. Pending for ever without one. */
  readonly failed: Promise<never>;
  /** Stops the services in order, then the bus, then the embedded store. */
  stop(): Promise<void>;
}

export interface LaunchOptions {
  readonly config: Config;
  readonly services: readonly ServiceName[];
  readonly logger?: Logger;
  /** Handlers beside the built-in ones. */
  readonly handlers?: readonly Handler[];
}

/** Starts services in one process; without a MongoDB configured, the embedded one with them. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { config: given, services, handlers = [], logger = createLogger(given) } = options;
  const embedded = given.mongoUrl || !needsMongo(services) ? undefined : await startStore(given, logger);
  const config = embedded ? withEmbeddedStore(given, embedded.url) : given;
  const broker = createBroker(config, logger);
  try {
    const surroundings = {
      broker,
      handlers,
      readiness: async () => (embedded ? [storeCheck(embedded)] : []),
    };
    for (const name of services) broker.createService(serviceFactories[name](config, surroundings));
    await broker.start();
  } catch (error) {
    await stopAll(broker, embedded);
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    broker,
    config,
    address: addressOf(broker),
    failed: embedded?.failed ?? new Promise(() => {}),
    stop() {
      stopping ??= stopAll(broker, embedded);
      return stopping;
    },
  };
}

function needsMongo(services: readonly ServiceName[]): boolean {
  return services.some((name) => name === "scheduler" || name === "records" || name === "crawler");
}

async function startStore(config: Config, logger: Logger): Promise<MongoThread> {
  if (config.natsUrl) {
    throw new AppError(
      "MONGO_DB_URL is missing: services that meet over NATS share one MongoDB. Give its address, or start the embedded one with: npm run kinit -- mongo --dir ./data/mongo --port 27017",
      { type: "CONFIG_INVALID", code: 500 },
    );
  }
  const log = logger.child({ mod: "MONGO" });
  return startMongoThread({
    dir: join(config.dataDir, "mongo"),
    sync: config.embeddedSync,
    budgetBytes: config.embeddedBudgetBytes,
    log: (message) => log.info(message),
    onBudget: (reason) => (reason === null ? log.info : log.warn).call(log, budgetNews(reason)),
  });
}

/** Too much data is no reason to send requests elsewhere: there is no other store. */
function storeCheck(embedded: MongoThread): ReadinessCheck {
  const warning = embedded.overBudget();
  return { name: "embedded store", ok: true, ...(warning === null ? {} : { warning }) };
}

async function stopAll(broker: ServiceBroker, embedded: MongoThread | undefined): Promise<void> {
  for (const name of serviceNames) {
    const service = broker.getLocalService(name) as Service | undefined;
    if (service) await broker.destroyService(service);
  }
  await broker.stop();
  await embedded?.close();
}

function addressOf(broker: ServiceBroker): string | null {
  const gateway = broker.getLocalService("gateway") as
    | (Service & { server?: { address(): unknown } })
    | undefined;
  const bound = gateway?.server?.address() as
    | { address: string; port: number; family: string }
    | null
    | undefined;
  if (!bound) return null;
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}`;
}

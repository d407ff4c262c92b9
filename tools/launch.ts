import type { Service, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import type { FirstLogin } from "../services/auth/access-parts.ts";
import type { Handler } from "../services/executor/handler/define-handler.ts";
import { createBroker } from "../shared/broker.ts";
import type { Config } from "../shared/config.ts";
import { AppError } from "../shared/errors.ts";
import { MongoUrlFault } from "../shared/event-store/mongo-url-fault.ts";
import { createLogger } from "../shared/logger.ts";
import type { EmbeddedStore } from "./embedded-store.ts";
import { startHealth } from "./process-health.ts";
import { serviceFactories } from "./service-factories.ts";
import { type ServiceName, stopServices } from "./service-names.ts";

/** Services that run in this process. */
export interface Launched {
  readonly broker: ServiceBroker;
  readonly config: Config;
  /** Where the gateway listens, if it is among the services. */
  readonly address: string | null;
  /** Rejects if an embedded store fails, after which the services cannot continue. */
  readonly failed: Promise<never>;
  /** Stops the services in order, then the bus, then the embedded store. */
  stop(): Promise<void>;
}

export interface LaunchOptions {
  readonly config: Config;
  readonly services: readonly ServiceName[];
  readonly logger?: Logger;
  /** Handlers in addition to the built-in ones. */
  readonly handlers?: readonly Handler[];
  /** Receives the administrator that the first start makes, with its generated password, if auth is among the services. */
  readonly onFirstLogin?: (login: FirstLogin) => void;
}

/** `AUTH_ENABLE=true` needs what the auth service stores. */
class LoginsNeedOrm extends AppError {
  constructor() {
    super("AUTH_ENABLE=true needs the auth service: set ORM_DB_ENABLE=true, or AUTH_ENABLE=false", {
      type: "CONFIG_INVALID",
    });
  }
}

/** Starts services in one process, with the embedded store if no MongoDB is configured. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { config: given, services, handlers = [], logger = createLogger(given) } = options;
  const isMongoMissing = !given.mongoUrl && needsMongo(services);
  if (given.authEnable && !given.ormEnable) throw new LoginsNeedOrm();
  if (isMongoMissing && given.natsUrl) throw new MongoUrlFault("missing");
  const health = await startHealth(given);
  const { monitoring } = health;
  let embedded: EmbeddedStore | undefined;
  let broker: ServiceBroker | undefined;
  const failing = Promise.withResolvers<never>();
  const stopAll = async () => {
    health.enter("stopping");
    if (broker) await stopServices(broker);
    await broker?.stop();
    await embedded?.close();
    await health.close();
  };
  try {
    if (isMongoMissing) embedded = await startStore(given, logger);
    const config = embedded?.config ?? given;
    broker = await createBroker(config, { logger, monitoring });
    const surroundings = {
      broker,
      handlers,
      readiness: async () => (embedded ? [embedded.readiness()] : []),
      onFailure: failing.reject,
      onFirstLogin: options.onFirstLogin ?? (() => {}),
    };
    for (const name of services.filter((name) => name !== "auth" || config.ormEnable))
      broker.createService(await serviceFactories[name](config, surroundings));
    await broker.start();
    health.enter("running");
    const failed = Promise.race([failing.promise, ...(embedded ? [embedded.failed] : [])]);
    // Without a listener on `failed`, callers notice through the calls that fail.
    failed.catch(() => {});
    let stopping: Promise<void> | undefined;
    return {
      broker,
      config,
      address: addressOf(broker),
      failed,
      stop() {
        stopping ??= stopAll();
        return stopping;
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function startStore(config: Config, logger: Logger): Promise<EmbeddedStore> {
  const { startEmbeddedStore } = await import("./embedded-store.ts");
  return startEmbeddedStore(config, logger);
}

function needsMongo(services: readonly ServiceName[]): boolean {
  return services.some((name) => name === "scheduler" || name === "records" || name === "crawler");
}

/** Where the gateway of a started broker listens; null without one. */
export function addressOf(broker: ServiceBroker): string | null {
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

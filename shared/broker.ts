import { hostname } from "node:os";
import { type BrokerOptions, type Middleware, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import type { Bus, BusObserver } from "./bus/bus.ts";
import { channels } from "./bus/channels.ts";
import { natsAddress } from "./bus/jetstream/nats-address.ts";
import { localBus } from "./bus/local/local-bus.ts";
import type { Config } from "./config.ts";
import { audience } from "./contracts/audience.ts";
import { validatorOptions } from "./contracts/contract.ts";
import { isRetryable } from "./errors.ts";
import { brokerLogger } from "./logger.ts";
import type { DeadLetterStore } from "./mongo-dead-letters.ts";
import { type Metrics, noMetrics } from "./monitoring/metrics.ts";
import { createMonitoring, type Monitoring } from "./monitoring/monitoring.ts";
import { permissionCheck } from "./permission-check.ts";
import { thisProcess } from "./process-identity.ts";
import { responseLimit } from "./response-limit.ts";

/** Name of this process on the bus: the host name, and what distinguishes processes of one host. */
export function nodeIdOf(config: Pick<Config, "nodeName">): string {
  return `${config.nodeName || hostname()}-${thisProcess.pid}-${thisProcess.boot.slice(0, 4)}`;
}

declare module "moleculer" {
  interface ServiceBroker {
    /** The configuration of the broker; services that a runner loads read theirs from here. */
    readonly config: Config;
  }
}

interface BrokerParts {
  readonly logger?: Logger;
  /** True: Moleculer's own messages are logged at info instead of debug. */
  readonly isVerbose?: boolean;
  readonly monitoring?: Monitoring;
}

/**
 * Options of every broker of the platform. With `natsUrl` calls go over NATS and events over JetStream; without, all
 * services are in this process and dead letters go to MongoDB.
 */
export async function brokerOptions(
  config: Config,
  { logger, isVerbose = false, monitoring = createMonitoring() }: BrokerParts = {},
): Promise<BrokerOptions> {
  const nodeID = nodeIdOf(config);
  const createBus = await busFactory(config, nodeID, observerOf(monitoring.metrics));
  return {
    namespace: "kinit",
    nodeID,
    logger: brokerLogger(config, logger, isVerbose),
    transporter: config.natsUrl ? { type: "NATS", options: natsOptions(config.natsUrl) } : null,
    serializer: "JSON",
    requestTimeout: config.callTimeoutMs,
    // A process that died silently receives no more calls after this time, in seconds.
    heartbeatInterval: 1,
    heartbeatTimeout: 3,
    // Only calls without effects are retried: see `readOnlyCall` in service.ts.
    retryPolicy: { enabled: true, retries: 0, delay: 50, maxDelay: 500, factor: 2, check: isRetryable },
    validator: {
      type: "Fastest",
      options: { useNewCustomCheckerFunction: true, ...validatorOptions, haltOnFirstError: false },
    } as BrokerOptions["validator"],
    tracking: { enabled: true, shutdownTimeout: config.drainMs },
    middlewares: [
      configMiddleware(config),
      monitoringMiddleware(monitoring),
      busMiddleware(createBus),
      permissionCheck(config),
      responseLimit(),
    ],
  };
}

/** By default Moleculer's transporter gives up after ten tries; the platform waits for its bus. */
function natsOptions(url: string) {
  return {
    ...natsAddress(url),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    waitOnFirstConnect: true,
  };
}

function configMiddleware(config: Config): Middleware {
  return { name: "Config", created: (broker) => void Object.assign(broker, { config }) };
}

function monitoringMiddleware(monitoring: Monitoring): Middleware {
  const { metrics, addCheck } = monitoring;
  return {
    name: "Monitoring",
    created: (broker) => void Object.assign(broker, { monitoring }),
    async starting(broker) {
      metrics.watchBus(() => broker.bus.backlogs());
      addCheck("bus", async () => {
        if (!broker.bus.isReady()) throw new Error("not connected, or not all of its events are delivered");
      });
    },
  };
}

/** Undefined where nothing is measured, so that sending an event costs nothing more. */
function observerOf(metrics: Metrics): BusObserver | undefined {
  if (metrics === noMetrics) return undefined;
  return {
    sent({ type, data }) {
      metrics.eventSent(type);
      if (type === "task.skipped") metrics.occurrencesSkipped(data.reason, data.count);
    },
    deadLettered: ({ group }) => metrics.deadLettered(group),
  };
}

type BusFactory = (logger: ReturnType<ServiceBroker["getLogger"]>) => Bus;

/** A function, since the bus needs the broker's logger. Moleculer calls it; its types do not declare that. */
function busMiddleware(createBus: BusFactory): Middleware {
  const create = (broker: ServiceBroker) => channels(createBus(broker.getLogger("bus")));
  return create as unknown as Middleware;
}

/** Loads only the bus that is configured: the NATS client and the MongoDB driver take long to load. */
async function busFactory(
  config: Config,
  nodeID: string,
  observer: BusObserver | undefined,
): Promise<BusFactory> {
  if (!config.natsUrl) {
    const { mongoDeadLetters } = await import("./mongo-dead-letters.ts");
    return (logger) => localBusOf(config, { letters: mongoDeadLetters(config), logger, observer });
  }
  const { jetStreamBus } = await import("./bus/jetstream/jetstream-bus.ts");
  const { natsUrl: url, natsStreamMaxBytes: maxBytes, natsStreamMaxAgeMs: maxAgeMs, drainMs } = config;
  return (logger) =>
    jetStreamBus({ url, name: nodeID, logger, observer, audience, maxBytes, maxAgeMs, drainMs });
}

/** The outbox rejects new transactions before this is reached, so that a burst never makes the bus reject events. */
const LOCAL_QUEUE = 60_000;

interface LocalBusParts {
  readonly letters: DeadLetterStore;
  readonly logger: Parameters<BusFactory>[0];
  readonly observer: BusObserver | undefined;
}

function localBusOf({ drainMs }: Config, { letters, logger, observer }: LocalBusParts): Bus {
  return localBus({
    deadLetter: letters.store,
    logger,
    observer,
    maxQueued: LOCAL_QUEUE,
    drainMs,
    onStopped: () => letters.close(),
  });
}

/** Creates a broker that does not handle signals: its creator stops the services in order. */
export async function createBroker(config: Config, parts: BrokerParts = {}): Promise<ServiceBroker> {
  return new ServiceBroker({
    ...(await brokerOptions(config, parts)),
    skipProcessEventRegistration: true,
  });
}

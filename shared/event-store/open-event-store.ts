import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import { noMetrics } from "../monitoring/metrics.ts";
import { createMonitoring, type Monitoring } from "../monitoring/monitoring.ts";
import { thisProcess } from "../process-identity.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { EventDocument } from "./event-document.ts";
import { type EventStore, StoreUnavailable } from "./event-store.ts";
import { mongoEventStore } from "./mongo-event-store.ts";
import { mongoOutboxStore, type OutboxDocument } from "./mongo-outbox-store.ts";
import { MongoUrlFault } from "./mongo-url-fault.ts";
import { watchMonitors } from "./monitor-watch.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createSessionPool, type SessionPool, type SessionPoolOptions } from "./session-pool.ts";

/** A service's connection to MongoDB, with the event store and the outbox on it. */
export interface OpenEventStore {
  readonly db: Db;
  readonly store: EventStore;
  readonly outbox: Outbox;
  /** The sessions of the store's transactions. */
  readonly sessions: SessionPool;
  /** Stops the outbox, then closes the connection. */
  close(): Promise<void>;
}

export interface OpenEventStoreOptions {
  readonly config: Pick<Config, "mongoUrl" | "mongoDatabase" | "natsUrl">;
  readonly service: string;
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions?: SessionPoolOptions;
  /** Is given the outbox's level, the duration of transactions, and a check of the connection. */
  readonly monitoring?: Monitoring;
}

/** A stream confirms within milliseconds; in one process an event is confirmed when its run has ended. */
const STREAM_WINDOW = 8000;
const LOCAL_WINDOW = 40_000;

/** Longer than any request of a service may take; building an index has its own limit. */
const SOCKET_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5000;
const HEARTBEAT_MS = 2000;
/** The driver itself aborts a check after the sum of these two. */
const CHECK_LIMIT_MS = CONNECT_TIMEOUT_MS + HEARTBEAT_MS + 1000;

/** A server that does not respond must not delay the end of a process. */
const CLOSE_LIMIT_MS = 5000;

/** Connects. The caller starts the outbox, once every consumer of this process has subscribed. */
export async function openEventStore(options: OpenEventStoreOptions): Promise<OpenEventStore> {
  const { config, service, bus, clock, log, monitoring = createMonitoring() } = options;
  const client = await connectMongo(config, service, log);
  const db = client.db(databaseName(config));
  const events = db.collection<EventDocument>("events");
  const sessions = createSessionPool(client, {
    ...options.sessions,
    async register(ids) {
      await Promise.all([outboxStore.registerSessions(ids), options.sessions?.register?.(ids)]);
    },
  });
  const outboxStore = mongoOutboxStore({
    outboxes: db.collection<OutboxDocument>("outboxes"),
    events,
    service,
    writer: `${service}-${thisProcess.boot}`,
    clock,
    sessions,
  });
  const outbox = createOutbox({
    store: outboxStore,
    log,
    clock,
    send: (event, { resent }) => bus.send(event, { resent }),
    window: config.natsUrl ? STREAM_WINDOW : LOCAL_WINDOW,
  });
  const { metrics, addCheck } = monitoring;
  metrics.watchOutbox(service, () => ({ pending: outbox.pending(), oldestMs: outbox.oldestPendingMs() }));
  addCheck(`MongoDB of ${service}`, () => db.command({ ping: 1 }));
  const onEnded = metrics === noMetrics ? undefined : metrics.transactionEnded.bind(metrics, service);
  const endStuck = async (abandoned: readonly string[]) => {
    try {
      await sessions.endTransactions(abandoned);
      await outboxStore.endStuckTransactions();
    } catch (error) {
      log.warn({ reason: errorMessage(error) }, "transactions that hold up others could not be aborted");
    }
  };
  return {
    db,
    store: mongoEventStore({ client, events, outbox, clock, sessions, onEnded, endStuck }),
    outbox,
    sessions,
    async close() {
      await outbox.stop();
      await withTimeLimit(client.close(), CLOSE_LIMIT_MS, () => new StoreUnavailable(undefined)).catch(
        (error: unknown) => log.warn({ reason: errorMessage(error) }, "closing the MongoDB client timed out"),
      );
    },
  };
}

/**
 * Connects to the replica set.
 *
 * @throws MongoUrlFault; MongoUnreachable, within five seconds
 */
export async function connectMongo(
  { mongoUrl }: Pick<Config, "mongoUrl">,
  appName: string,
  log?: Log,
): Promise<MongoClient> {
  const client = clientFor(mongoUrl, appName);
  watchMonitors(client, {
    limitMs: CHECK_LIMIT_MS,
    onRestart: () => log?.warn({}, "a check of MongoDB did not end; checking again"),
  });
  try {
    return await client.connect();
  } catch (cause) {
    await client.close().catch(() => {});
    throw new MongoUnreachable(cause);
  }
}

/** No connection could be made; the message states why. */
export class MongoUnreachable extends StoreUnavailable {
  constructor(cause: unknown, source = "MONGO_DB_URL") {
    super(cause, `MongoDB (${source}) cannot be reached: ${errorMessage(cause)}`);
  }
}

function clientFor(mongoUrl: string, appName: string): MongoClient {
  if (!mongoUrl) throw new MongoUrlFault("missing");
  try {
    return new MongoClient(mongoUrl, clientOptions(appName));
  } catch {
    // The driver's message may repeat the URL.
    throw new MongoUrlFault("malformed");
  }
}

function clientOptions(appName: string): MongoClientOptions {
  return {
    appName,
    ignoreUndefined: true,
    serverSelectionTimeoutMS: 5000,
    // The driver gives up an unresponsive server after about the sum of these two.
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    heartbeatFrequencyMS: HEARTBEAT_MS,
    // A connection without a response is closed: what waits for it continues over another one.
    socketTimeoutMS: SOCKET_TIMEOUT_MS,
    maxPoolSize: 20,
    writeConcern: { w: "majority" },
  };
}

/** As the Python original chose it: the URL's authSource; else its path, else `kinit`. A setting overrides all. */
export function databaseName({
  mongoUrl,
  mongoDatabase,
}: Pick<Config, "mongoUrl" | "mongoDatabase">): string {
  if (mongoDatabase) return mongoDatabase;
  const [, path = "", query = ""] = /^mongodb(?:\+srv)?:\/\/[^/?]+\/?([^?]*)\??(.*)$/.exec(mongoUrl) ?? [];
  const source = new URLSearchParams(query).get("authSource");
  return (source === "admin" ? null : source) ?? (path || "kinit");
}

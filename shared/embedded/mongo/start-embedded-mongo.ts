import { createServer, type Server, type Socket } from "node:net";
import { budgetMessage, watchBudget } from "./budget.ts";
import { dispatch } from "./commands/dispatch.ts";
import type { ServerState } from "./commands/request/context.ts";
import { Engine } from "./engine/engine.ts";
import { recover } from "./engine/recovery.ts";
import { startMaintenance } from "./maintenance.ts";
import { Activity } from "./server/activity.ts";
import { Cursors } from "./server/cursors.ts";
import { FailPoints } from "./server/fail-points.ts";
import { MAX_CONNECTIONS, REPLICA_SET } from "./server/identity.ts";
import { Profiler } from "./server/profiler.ts";
import { WriteGate } from "./server/write-gate.ts";
import { ClusterTime } from "./session/cluster-time.ts";
import { Sessions } from "./session/sessions.ts";
import { Snapshots } from "./session/snapshots.ts";
import { type DirectoryLock, lockDirectory } from "./store/directory-lock.ts";
import { type Disk, realDisk } from "./store/disk.ts";
import { EmbeddedMongoError } from "./store/embedded-mongo-error.ts";
import { LogStore } from "./store/log-store.ts";
import { memoryStore } from "./store/memory-store.ts";
import type { Store } from "./store/store.ts";
import { Connection } from "./wire/connection.ts";

const DEFAULT_BUDGET = 2 * 2 ** 30;

interface ListenOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /**
   * Default 127.0.0.1. There is no authentication: any other address exposes the data to everyone who can connect.
   */
  readonly host?: string;
  /** The address that clients of the replica set connect to, such as `mongo:27017`; default: that of `host` and `port`. */
  readonly announce?: string | undefined;
  readonly log?: (message: string) => void;
  /**
   * Memory and log may each use this many bytes before `onBudget` is called; default 2 GiB. Writes are accepted
   * beyond it.
   */
  readonly budgetBytes?: number;
  /**
   * Called with the reason when the budget is exceeded, and with null when it is no longer. Default: logs it.
   */
  readonly onBudget?: (reason: string | null) => void;
}

interface StoredOptions extends ListenOptions {
  /** The data directory. It is created if missing, and one process at a time can use it. */
  readonly dir: string;
  readonly memory?: false;
  /**
   * "full" (default): an acknowledged write survives power loss. "normal": it survives the end of the process;
   * power loss can cost the last second.
   */
  readonly sync?: "full" | "normal";
  /** The log is compacted when it outgrows this and the last snapshot. */
  readonly compactAtBytes?: number;
  readonly disk?: Disk;
}

interface MemoryOptions extends ListenOptions {
  readonly memory: true;
  readonly dir?: undefined;
}

export type EmbeddedMongoOptions = StoredOptions | MemoryOptions;

export interface EmbeddedMongoStats {
  readonly connections: number;
  readonly sessions: number;
  readonly cursors: number;
  readonly documents: number;
  /** Superseded versions that open snapshots keep in memory. */
  readonly retiredVersions: number;
  readonly logBytes: number;
  readonly batches: number;
  readonly flushes: number;
}

export interface EmbeddedMongo {
  /** Connection string for the official driver; transactions and retryable writes work. */
  readonly url: string;
  readonly port: number;
  stats(): EmbeddedMongoStats;
  /** Closes all connections and makes everything durable. */
  close(): Promise<void>;
}

/**
 * Starts a MongoDB server of one node in this process.
 *
 * @throws EmbeddedMongoError `MONGO_DIRECTORY_LOCKED`, `MONGO_LOG_DAMAGED`, `MONGO_PORT_UNAVAILABLE`
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const log = options.log ?? (() => {});
  const lock = options.dir === undefined ? null : await lockDirectory({ directory: options.dir, log });
  const engine = new Engine(storeFor(options, lock));
  const sessions = new Sessions(engine);
  try {
    await recover(engine, (entry) => sessions.restore(entry));
    return await listen({ engine, sessions, lock, options, log });
  } catch (error) {
    sessions.close();
    await engine.store.close().catch(() => {});
    await lock?.release();
    throw error;
  }
}

function storeFor(options: EmbeddedMongoOptions, lock: DirectoryLock | null): Store {
  if (options.dir === undefined || lock === null) return memoryStore();
  const { dir, sync = "full", compactAtBytes, disk = realDisk, log = () => {} } = options;
  return new LogStore({
    directory: dir,
    sync,
    compactAtBytes,
    disk,
    log,
    isHeld: lock.isHeld,
    beginsNewLog: lock.formerHolderMayResume,
  });
}

interface Parts {
  readonly engine: Engine;
  readonly sessions: Sessions;
  readonly lock: DirectoryLock | null;
  readonly options: EmbeddedMongoOptions;
  readonly log: (message: string) => void;
}

async function listen({ engine, sessions, lock, options, log }: Parts): Promise<EmbeddedMongo> {
  const host = options.host ?? "127.0.0.1";
  const sockets = new Set<Socket>();
  const listener = createServer();
  const port = await bind(listener, host, options.port ?? 0);
  const clusterTime = new ClusterTime();
  // What a snapshot at this time does not show gets a later time.
  engine.onShown = () => clusterTime.tick();
  const snapshots = new Snapshots(engine, clusterTime);
  const server: ServerState = {
    engine,
    sessions,
    cursors: new Cursors(),
    failPoints: new FailPoints(),
    clusterTime,
    snapshots,
    activity: new Activity(),
    profiler: new Profiler(),
    writeGate: new WriteGate(),
    startedAt: Date.now(),
    parameters: new Map(),
    address: options.announce ?? `${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    connections: () => sockets.size,
  };
  accept(listener, server, sockets);
  const { budgetBytes = DEFAULT_BUDGET, onBudget = (reason) => log(budgetMessage(reason)) } = options;
  const maintenance = startMaintenance(server, { log, watch: watchBudget(budgetBytes, onBudget) });
  let closing: Promise<void> | null = null;
  const shutDown = async () => {
    await maintenance.stop();
    await closeListener(listener, sockets);
    server.cursors.close();
    snapshots.close();
    sessions.close();
    await engine.store.close();
    await lock?.release();
  };
  return {
    url: `mongodb://${server.address}/?replicaSet=${REPLICA_SET}&directConnection=false`,
    port,
    stats: () => statsOf(server),
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}

async function bind(listener: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  listener.once("error", reject);
  listener.listen(port, host, resolve);
  try {
    await promise;
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new EmbeddedMongoError(`the embedded MongoDB server cannot listen on ${host}:${port}: ${reason}`, {
      type: "MONGO_PORT_UNAVAILABLE",
      code: 500,
      data: { host, port },
      cause,
    });
  }
  return (listener.address() as { port: number }).port;
}

function accept(listener: Server, server: ServerState, sockets: Set<Socket>): void {
  let lastConnectionId = 0;
  listener.maxConnections = MAX_CONNECTIONS;
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    lastConnectionId += 1;
    server.activity.network.connections += 1;
    new Connection(socket, {
      connectionId: lastConnectionId,
      traffic: server.activity.network,
      handle: (request, client) => dispatch(server, request, client),
    });
  });
}

async function closeListener(listener: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.close(() => resolve());
  for (const socket of sockets) socket.destroy();
  await promise;
}

function statsOf({ engine, sessions, cursors, connections }: ServerState): EmbeddedMongoStats {
  let documents = 0;
  for (const { records } of engine.catalog.everyCollection()) documents += records.size;
  const { bytes, batches, flushes } = engine.store.stats();
  return {
    connections: connections(),
    sessions: sessions.size,
    cursors: cursors.size,
    documents,
    retiredVersions: engine.versions.retiredVersions,
    logBytes: bytes,
    batches,
    flushes,
  };
}

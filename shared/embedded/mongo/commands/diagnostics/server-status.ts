import { BsonDate, type BsonDocument, BsonDouble, documentOf } from "../../bson/values.ts";
import {
  isWriteKind,
  noOperations,
  type OperationKind,
  type Usage,
  usageOf,
} from "../../engine/collection-usage.ts";
import { MAX_CONNECTIONS, REPLICA_SET, SERVER_VERSION } from "../../server/identity.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable, ServerState } from "../request/context.ts";

/** The figures that monitors such as mongostat read. */
function serverStatus({ server }: CommandContext): Reply {
  const { engine, sessions, cursors, startedAt, activity } = server;
  const store = engine.store.stats();
  const uptimeMs = Date.now() - startedAt;
  const { network } = activity;
  return replyOf({
    host: server.address,
    version: SERVER_VERSION,
    process: "embedded-mongo",
    service: ["embedded-mongo"],
    pid: BigInt(process.pid),
    // An integral double, as on a real server.
    uptime: new BsonDouble(Math.floor(uptimeMs / 1000)),
    uptimeMillis: BigInt(uptimeMs),
    uptimeEstimate: BigInt(Math.floor(uptimeMs / 1000)),
    localTime: new BsonDate(Date.now()),
    asserts: documentOf({
      regular: 0,
      warning: 0,
      msg: 0,
      user: activity.failures,
      tripwire: 0,
      rollovers: 0,
    }),
    connections: connections(server),
    globalLock: globalLock(server, uptimeMs),
    logicalSessionRecordCache: documentOf({ activeSessionsCount: sessions.size }),
    network: documentOf({
      bytesIn: BigInt(network.bytesIn),
      bytesOut: BigInt(network.bytesOut),
      numRequests: BigInt(network.requests),
    }),
    opcounters: opcounters(activity.counts),
    opcountersRepl: opcounters(noOperations()),
    repl: documentOf({
      setName: REPLICA_SET,
      setVersion: 1,
      ismaster: true,
      secondary: false,
      primary: server.address,
      hosts: [server.address],
      me: server.address,
    }),
    storageEngine: documentOf({
      name: "embedded",
      persistent: store.bytes > 0,
      readOnly: engine.store.failure !== null,
    }),
    transactions: transactions(server),
    mem: memory(),
    metrics: documentOf({ cursor: documentOf({ open: documentOf({ total: BigInt(cursors.size) }) }) }),
    log: documentOf({
      bytes: BigInt(store.bytes),
      batches: BigInt(store.batches),
      flushes: BigInt(store.flushes),
    }),
  });
}

const connections = ({ connections, activity }: ServerState): BsonDocument =>
  documentOf({
    current: connections(),
    available: MAX_CONNECTIONS - connections(),
    totalCreated: activity.network.connections,
    active: activity.running.size,
  });

function globalLock({ activity, writeGate }: ServerState, uptimeMs: number): BsonDocument {
  const running = [...activity.running];
  const writers = running.filter(({ kind }) => isWriteKind(kind));
  const numbers = (readers: number, writers: number): BsonDocument =>
    documentOf({ total: readers + writers, readers, writers });
  const { waiting } = writeGate;
  return documentOf({
    totalTime: BigInt(uptimeMs) * 1000n,
    currentQueue: numbers(0, waiting),
    activeClients: numbers(running.length - writers.length, Math.max(0, writers.length - waiting)),
  });
}

const opcounters = (counts: Record<OperationKind, number>): BsonDocument =>
  documentOf({
    insert: BigInt(counts.insert),
    query: BigInt(counts.query),
    update: BigInt(counts.update),
    delete: BigInt(counts.remove),
    getmore: BigInt(counts.getmore),
    command: BigInt(counts.command),
  });

function transactions({ sessions }: ServerState): BsonDocument {
  const { started, committed, aborted } = sessions.transactionCounts;
  const open = [...sessions.all()].filter(({ transaction }) => transaction !== null);
  const active = open.filter(({ running }) => running > 0).length;
  return documentOf({
    currentActive: BigInt(active),
    currentInactive: BigInt(open.length - active),
    currentOpen: BigInt(open.length),
    totalStarted: BigInt(started),
    totalCommitted: BigInt(committed),
    totalAborted: BigInt(aborted),
  });
}

function memory(): BsonDocument {
  const { rss, heapTotal, external } = process.memoryUsage();
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  return documentOf({
    bits: 64,
    resident: mebibytes(rss),
    virtual: mebibytes(heapTotal + external),
    supported: true,
  });
}

/** How often each collection was used, and for how many microseconds, for mongotop. */
function top({ server }: CommandContext): Reply {
  const totals = documentOf({ note: "all times in microseconds" });
  for (const collection of server.engine.catalog.everyCollection()) {
    const { reads, writes, kinds } = usageOf(collection);
    totals.set(
      collection.namespace,
      documentOf({
        total: usageDocument({ time: reads.time + writes.time, count: reads.count + writes.count }),
        readLock: usageDocument(reads),
        writeLock: usageDocument(writes),
        queries: usageDocument(kinds.query),
        getmore: usageDocument(kinds.getmore),
        insert: usageDocument(kinds.insert),
        update: usageDocument(kinds.update),
        remove: usageDocument(kinds.remove),
        commands: usageDocument(kinds.command),
      }),
    );
  }
  return replyOf({ totals });
}

const usageDocument = ({ time, count }: Usage): BsonDocument =>
  documentOf({ time: BigInt(Math.round(time * 1000)), count: BigInt(count) });

export const serverStatusCommands: CommandTable = {
  serverStatus: { run: serverStatus },
  top: { run: top, adminOnly: true },
};

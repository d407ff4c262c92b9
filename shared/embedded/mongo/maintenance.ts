import { BsonDate, type BsonDocument, documentOf } from "./bson/values.ts";
import type { Sizes } from "./budget.ts";
import type { ServerState } from "./commands/request/context.ts";
import type { Collection } from "./engine/collection.ts";
import type { CollectionIndex } from "./engine/collection-index.ts";
import { rebuildIndex } from "./engine/index-build.ts";
import { liveBatches } from "./engine/snapshot-source.ts";
import { WriteConflict } from "./engine/write-conflict.ts";
import { TimeSlice } from "./pacing/time-slice.ts";
import { boundsFor } from "./planner/intervals.ts";
import { predicatesOf } from "./planner/predicates.ts";
import { Scan } from "./planner/scan.ts";

const TURN_MS = 1_000;
const TURNS_BETWEEN_CHECKS = 10;
const DEFAULT_TTL_SECONDS = 60;
/** Expired documents are deleted in transactions of this size: each takes about a millisecond. */
const DELETES_PER_TRANSACTION = 500;

export interface Maintenance {
  /** Resolves when the current task has ended, so that a snapshot is not left half written. */
  stop(): Promise<void>;
}

export interface MaintenanceOptions {
  readonly log: (message: string) => void;
  /** Receives the server's memory and log sizes at intervals. */
  readonly watch: (sizes: Sizes) => void;
}

/** Background work: deletes expired documents of TTL indexes, compacts the log, watches the budget. */
export function startMaintenance(server: ServerState, { log, watch }: MaintenanceOptions): Maintenance {
  let running: Promise<void> | null = null;
  let lastExpiry = Date.now();
  let turns = 0;
  const turn = async (): Promise<void> => {
    if (turns++ % TURNS_BETWEEN_CHECKS === 0) watch(sizesOf(server));
    // A locked server is being backed up by copying its files, so nothing may change in them.
    if (server.writeGate.lockCount > 0) return;
    await server.engine.store.recover();
    if (Date.now() - lastExpiry >= ttlIntervalMs(server)) {
      lastExpiry = Date.now();
      await expireDocuments(server);
    }
    await rebuildWastefulIndexes(server);
    await server.engine.store.compactIfDue(() => liveBatches(server.engine, () => server.sessions.entries()));
  };
  const timer = setInterval(() => {
    running ??= turn()
      .catch((error: Error) => log(`maintenance failed and will be retried: ${error.message}`))
      .finally(() => {
        running = null;
      });
  }, TURN_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

function sizesOf({ engine }: ServerState): Sizes {
  const { heapUsed, external } = process.memoryUsage();
  return { memory: heapUsed + external, log: engine.store.stats().bytes };
}

const ttlIntervalMs = ({ parameters }: ServerState): number =>
  Number(parameters.get("ttlMonitorSleepSecs") ?? DEFAULT_TTL_SECONDS) * 1000;

/** Indexes with a collation keep classes of deleted strings; rebuilding such an index frees them. */
async function rebuildWastefulIndexes({ engine }: ServerState): Promise<void> {
  for (const collection of [...engine.catalog.everyCollection()]) {
    for (const index of collection.indexes.filter((one) => one.isReady && one.isWasteful)) {
      await engine.waitForWriters(collection);
      // A new index has no entries of older versions: open snapshots that read them need the old index.
      const isFree = () => engine.versions.retiredVersions === 0;
      if (isFree())
        await rebuildIndex(collection, index, {
          slice: new TimeSlice(),
          durable: () => engine.durable(),
          isFree,
        });
    }
  }
}

async function expireDocuments({ engine }: ServerState): Promise<void> {
  if (engine.store.failure !== null) return;
  for (const collection of [...engine.catalog.everyCollection()]) {
    for (const index of collection.indexes) {
      if (index.expireAfterSeconds !== null && index.isReady)
        await expireIndex({ engine }, collection, index);
    }
  }
}

/** Only dates expire, and a range of dates in the index contains nothing else. */
async function expireIndex(
  { engine }: Pick<ServerState, "engine">,
  collection: Collection,
  index: CollectionIndex,
): Promise<void> {
  const instant = new BsonDate(Date.now() - index.expireAfterSeconds! * 1000);
  const filter: BsonDocument = documentOf({ [index.fields[0]!.path]: documentOf({ $lt: instant }) });
  const { intervals } = boundsFor(index, predicatesOf(filter).paths);
  const slice = new TimeSlice();
  for (;;) {
    const transaction = engine.begin({ isPlain: true });
    const plan = { index, intervals, isBackwards: false, isExact: true, isSorted: true, branches: [] };
    const scan = new Scan(collection, plan, { view: () => transaction, match: () => true });
    let deleted = 0;
    for (let step = scan.step(); step !== "end" && deleted < DELETES_PER_TRANSACTION; step = scan.step()) {
      if (step === "found" && removeFree(collection, transaction, scan)) deleted += 1;
    }
    await engine.commit(transaction);
    if (deleted < DELETES_PER_TRANSACTION) return;
    await slice.pause();
  }
}

/** Skips a document that a transaction is writing to; the next round tries it again. */
function removeFree(
  collection: Collection,
  transaction: Parameters<Collection["remove"]>[0],
  { record }: Scan,
): boolean {
  try {
    collection.remove(transaction, record);
    return true;
  } catch (error) {
    if (error instanceof WriteConflict) return false;
    throw error;
  }
}

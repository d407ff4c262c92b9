import { encodeDocument } from "../bson/encode.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Collection } from "../engine/collection.ts";
import type { Engine } from "../engine/engine.ts";
import { LazyDocument } from "../engine/lazy-document.ts";
import type { Operation } from "./activity.ts";
import type { WriteGate } from "./write-gate.ts";

/** The collection in which the profiler records the operations of a database. */
export const PROFILE = "system.profile";

/** The oldest entries beyond this size are removed, as in the capped collection of a real server. */
export const MAX_PROFILE_BYTES = 2 ** 20;

interface ProfiledServer {
  readonly engine: Engine;
  readonly writeGate: WriteGate;
}

/**
 * Records operations in `system.profile` of their databases, as the profiling level of the database demands.
 */
export class Profiler {
  slowMs = 100;
  sampleRate = 1;
  readonly #levels = new Map<string, number>();
  readonly #bytes = new WeakMap<Collection, number>();
  #recorded: Promise<void> = Promise.resolve();

  levelOf(database: string): number {
    return this.#levels.get(database) ?? 0;
  }

  setLevel(database: string, level: number): void {
    if (level === 0) this.#levels.delete(database);
    else this.#levels.set(database, level);
  }

  isRecorded({ database, name }: Operation, ms: number): boolean {
    if (this.#levels.size === 0) return false;
    const level = this.levelOf(database);
    if (level === 0 || name === "profile" || (level === 1 && ms < this.slowMs)) return false;
    return this.sampleRate >= 1 || Math.random() < this.sampleRate;
  }

  /** Stores entries in the profile collection of their database; resolves when they can be read. */
  record(server: ProfiledServer, database: string, entries: readonly BsonDocument[]): Promise<void> {
    const collection = server.engine.catalog.find(database, PROFILE);
    if (collection === undefined) return Promise.resolve();
    this.#recorded = this.#recorded.then(() => this.#store(server, collection, entries));
    return this.#recorded;
  }

  async #store(
    { engine, writeGate }: ProfiledServer,
    collection: Collection,
    entries: readonly BsonDocument[],
  ): Promise<void> {
    if (engine.store.failure !== null || collection.isDropped || !writeGate.tryEnter()) return;
    try {
      const transaction = engine.begin({ isPlain: true });
      let bytes = this.#bytes.get(collection) ?? sizeOf(collection);
      for (const entry of entries) {
        const source = new LazyDocument(encodeDocument(entry));
        collection.insert(transaction, source);
        bytes += source.bytes.length;
      }
      for (const record of collection.records) {
        if (bytes <= MAX_PROFILE_BYTES) break;
        bytes -= record.bytes?.length ?? 0;
        collection.remove(transaction, record);
      }
      this.#bytes.set(collection, bytes);
      await engine.commit(transaction);
    } finally {
      writeGate.leave();
    }
  }
}

function sizeOf({ records }: Collection): number {
  let size = 0;
  for (const { bytes } of records) size += bytes?.length ?? 0;
  return size;
}

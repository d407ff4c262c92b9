import type { Batch } from "./batch.ts";
import { inMib, SPARED_BYTES } from "./disk-space.ts";

/** Figures of a store. */
export interface StoreStats {
  /** Bytes of log and snapshot on disk; 0 for a store in memory. */
  readonly bytes: number;
  /** Number of durable batches, and of the writes to disk that this took. */
  readonly batches: number;
  readonly flushes: number;
}

/** The reason why a store accepts no writes. */
export class StoreFailure extends Error {
  /** True if the store resumes when the cause is gone: a full disk. */
  readonly isTemporary: boolean;

  constructor(directory: string, cause: Error, isTemporary: boolean) {
    super(`the data directory ${directory} cannot be written (${cause.message})`, { cause });
    this.isTemporary = isTemporary;
  }

  /** What the operator can do. */
  get remedy(): string {
    return this.isTemporary
      ? `reads work; free at least ${inMib(SPARED_BYTES)} on its disk, and writes are accepted again within seconds`
      : "reads work; writes are rejected until the server is restarted";
  }
}

/** Iterates over the current content as batches, oldest first, while a store writes its snapshot. */
export type SnapshotSource = () => AsyncIterable<Batch>;

/**
 * Stores committed batches: appends atomic batches durably, and loads all of them.
 *
 * After a crash a batch is loaded completely or not at all, in the order of the appends.
 */
export interface Store {
  /** True if nothing is stored: batches need not be built. */
  readonly isVolatile: boolean;
  /**
   * Calls `apply` for every stored batch in order; it must end before the first append.
   * @throws EmbeddedMongoError `MONGO_LOG_DAMAGED`
   */
  load(apply: (batch: Uint8Array) => Promise<void>): Promise<void>;
  /**
   * Resolves when the batch is as durable as the store's mode promises, in the order of the calls. The batch must
   * not change until then.
   * @throws StoreFailure once a write has failed, for this batch and all later ones
   */
  append(batch: Batch): Promise<void>;
  /** Accepts writes again if the failure was temporary and is over. */
  recover(): Promise<void>;
  /** Replaces the stored batches by those of `source`, unless the log is still small. */
  compactIfDue(source: SnapshotSource): Promise<void>;
  /** Why the store accepts no writes; null while it does. */
  readonly failure: StoreFailure | null;
  stats(): StoreStats;
  close(): Promise<void>;
}

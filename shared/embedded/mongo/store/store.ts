import type { Batch } from "./batch.ts";
import { inMib, SPARED_BYTES } from "./disk-space.ts";

/** What a store reports of itself. */
export interface StoreStats {
  /** Bytes on disk: log and snapshot; 0 where nothing is stored. */
  readonly bytes: number;
  /** Batches that were made durable, and how many writes to disk that took. */
  readonly batches: number;
  readonly flushes: number;
}

/** Why a store takes no writes. */
export class StoreFailure extends Error {
  /** True where the store goes on by itself when the cause has passed: a full disk. */
  readonly isTemporary: boolean;

  constructor(directory: string, cause: Error, isTemporary: boolean) {
    super(`the data directory ${directory} has refused a write (${cause.message})`, { cause });
    this.isTemporary = isTemporary;
  }

  /** What to do, in words. */
  get remedy(): string {
    return this.isTemporary
      ? `reads are served; free at least ${inMib(SPARED_BYTES)} on its disk, and writes are accepted again within seconds`
      : "reads are served; writes are refused until the server is restarted";
  }
}

/** Gives every live batch again, oldest first, while a store writes its snapshot. */
export type SnapshotSource = () => AsyncIterable<Batch>;

/**
 * Where committed batches go: "durably append an atomic batch, load all".
 *
 * A batch is applied wholly or not at all after a crash, in the order in which it was appended.
 */
export interface Store {
  /** True where nothing is kept: batches need not be made. */
  readonly isVolatile: boolean;
  /**
   * Calls `apply` for every stored batch in order; must end before the first append.
   * @throws EmbeddedMongoError `MONGO_LOG_DAMAGED`
   */
  load(apply: (batch: Uint8Array) => Promise<void>): Promise<void>;
  /**
   * Resolves when the batch is as durable as the store's mode promises, in the order of the calls. The batch must not
   * change until then.
   * @throws StoreFailure once a write has failed, for this batch and all that wait behind it
   */
  append(batch: Batch): Promise<void>;
  /** Takes writes again if what has failed was temporary and has passed. */
  recover(): Promise<void>;
  /** Replaces everything stored by the batches of `source`, unless the log is still small for its content. */
  compactIfDue(source: SnapshotSource): Promise<void>;
  /** Why the store takes no writes; null while it does. */
  readonly failure: StoreFailure | null;
  stats(): StoreStats;
  close(): Promise<void>;
}

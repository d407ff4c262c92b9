import type { Batch } from "./batch.ts";

/** What a store reports of itself. */
export interface StoreStats {
  /** Bytes on disk: log and snapshot; 0 where nothing is stored. */
  readonly bytes: number;
  /** Batches that were made durable, and how many writes to disk that took. */
  readonly batches: number;
  readonly flushes: number;
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
  /** Calls `apply` for every stored batch in order; must end before the first append. */
  load(apply: (batch: Uint8Array) => Promise<void>): Promise<void>;
  /**
   * Resolves when the batch is as durable as the store's mode promises. The batch must not change until then.
   * @throws StoreFailure once a write has failed: this and every later append
   */
  append(batch: Batch): Promise<void>;
  /** Replaces everything stored by the batches of `source`, unless the log is still small for its content. */
  compactIfDue(source: SnapshotSource): Promise<void>;
  /** The error that stopped the store for writes; null while it works. */
  readonly failure: Error | null;
  stats(): StoreStats;
  close(): Promise<void>;
}

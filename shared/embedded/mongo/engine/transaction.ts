import type { Collection } from "./collection.ts";
import type { CollectionIndex } from "./collection-index.ts";
import type { DocumentRecord, PendingWrite, ReadView } from "./document-record.ts";

/** Index keys that a write added to, or made obsolete in, one index. */
export interface IndexKeys {
  readonly index: CollectionIndex;
  readonly keys: readonly string[];
}

/** One write of a transaction: what commit installs and what a rollback undoes. */
export interface Write {
  readonly collection: Collection;
  readonly record: DocumentRecord;
  /** The transaction's own earlier write to the record, which comes back when this one is undone. */
  readonly before: PendingWrite | null;
  readonly added: readonly IndexKeys[];
  readonly dropped: readonly IndexKeys[];
}

/**
 * A unit of work: a snapshot, and writes that nobody else sees before commit.
 *
 * Plain statements are transactions too; `isPlain` says that nobody beyond the statement depends on the
 * snapshot, so a conflict is waited for and tried again instead of being reported.
 */
export class Transaction implements ReadView {
  readonly at: number;
  readonly isPlain: boolean;
  readonly writes: Write[] = [];
  /** Collections that exist for this transaction only, until it commits; by namespace. */
  readonly created = new Map<string, Collection>();
  isOpen = true;
  #finished: PromiseWithResolvers<void> | null = null;

  constructor(at: number, isPlain: boolean) {
    this.at = at;
    this.isPlain = isPlain;
  }

  get transaction(): Transaction {
    return this;
  }

  /** Settles when the transaction has committed or aborted. */
  get finished(): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    this.#finished ??= Promise.withResolvers<void>();
    return this.#finished.promise;
  }

  finish(): void {
    this.isOpen = false;
    this.#finished?.resolve();
  }
}

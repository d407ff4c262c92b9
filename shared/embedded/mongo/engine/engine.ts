import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Pace } from "../pacing/pace.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { BatchWriter } from "../store/batch.ts";
import { type Store, StoreFailure } from "../store/store.ts";
import { Catalog } from "./catalog.ts";
import type { Collection } from "./collection.ts";
import { CommitQueue } from "./commit-queue.ts";
import { installPending, type ReadView, type Write } from "./document-record.ts";
import { Transaction } from "./transaction.ts";
import { fillBatch } from "./transaction-batch.ts";
import { type NewSlice, Versions } from "./versions.ts";
import { WriteConflict } from "./write-conflict.ts";

/** Databases with transactions over a store. Commits are applied in memory in the order of the log. */
export class Engine {
  readonly catalog = new Catalog();
  readonly versions: Versions;
  readonly store: Store;
  /** Called each time more becomes visible to readers. */
  onShown: () => void = () => {};
  readonly #open = new Set<Transaction>();
  /** Transactions that are committed but not yet durable, or not yet fully installed in their records. */
  readonly #installing = new Map<Transaction, Promise<void>>();
  readonly #queue = new CommitQueue({
    before: () => this.#voidOpen(),
    after: () => this.versions.resetDurable(),
    error: storeFault,
  });
  readonly #newSlice: NewSlice;

  /** @param newSlice creates the slices into which commits and rollbacks are divided */
  constructor(store: Store, newSlice: NewSlice = () => new TimeSlice()) {
    this.store = store;
    this.versions = new Versions(newSlice);
    this.#newSlice = newSlice;
  }

  /**
   * Begins a transaction. A plain statement reads the latest commits, durable or not: its reply waits for its own
   * commit, which becomes durable after theirs. A client's transaction gets replies before it commits, so it reads
   * durable commits only.
   */
  begin({ isPlain }: { isPlain: boolean }): Transaction {
    const { clock, durable } = this.versions;
    const transaction = this.versions.open(new Transaction(isPlain ? clock : durable, isPlain));
    this.#open.add(transaction);
    return transaction;
  }

  /** Opens a snapshot of the current state, for a read that may pause. The caller closes it. */
  openView(): ReadView {
    return this.versions.open({ at: this.versions.durable, transaction: null });
  }

  /** Opens another view of the state that an open view shows. The caller closes it. */
  viewAt({ at }: ReadView): ReadView {
    return this.versions.open({ at, transaction: null });
  }

  /**
   * Resolves when every commit up to now is durable. Replies that depend on what a plain statement read wait for
   * this.
   */
  durable(): Promise<void> {
    return this.#queue.durable;
  }

  /**
   * Commits the transaction's writes in one step, makes them visible in another once they are durable, and
   * resolves.
   *
   * Large transactions pause while their batch is built (before the first step) and while their records are
   * installed (after the second). `transaction.finished` settles after the first step.
   *
   * @param session the outcome that a retry of the command returns, stored with the writes
   * @throws WriteConflict (the transaction is aborted then), CommandFault if the store cannot write
   */
  commit(transaction: Transaction, session: BsonDocument | null = null): Promise<void> {
    const { writes, created } = transaction;
    this.#requireNotVoid(transaction);
    if (writes.length === 0 && created.size === 0 && session === null) {
      this.#close(transaction);
      return DONE;
    }
    this.#requireCommittable(transaction);
    transaction.takesWrites = false;
    const batch = new BatchWriter();
    const filled = this.store.isVolatile ? null : fillBatch(batch, transaction, this.#newSlice());
    if (filled === null) return this.#publish(transaction, batch, session);
    return filled.then(() => {
      this.#requireCommittable(transaction);
      return this.#publish(transaction, batch, session);
    });
  }

  /** Undoes all writes of the transaction; a large one takes a while. */
  abort(transaction: Transaction): Promise<void> {
    if (!transaction.isOpen || !transaction.takesWrites) return DONE;
    transaction.takesWrites = false;
    const undone = this.rollback(transaction, 0);
    if (undone !== null) return undone.then(() => this.#close(transaction));
    this.#close(transaction);
    return DONE;
  }

  /**
   * Undoes every write after the first `mark`, those of a failed statement. Returns null if it finished without a
   * pause.
   */
  rollback({ writes }: Transaction, mark: number): Promise<void> | null {
    const slice = this.#newSlice();
    while (writes.length > mark) {
      undoLast(writes);
      if (slice.isOver()) return rollBackRest(writes, mark, slice);
    }
    return null;
  }

  /**
   * Logs catalog changes that the caller has already applied.
   *
   * @param undo reverts them if the store cannot write
   */
  append(changes: readonly BsonDocument[], undo: () => void): Promise<void> {
    const { failure } = this.store;
    if (failure !== null) {
      undo();
      return Promise.reject(storeFault(failure));
    }
    if (this.store.isVolatile || changes.length === 0) return DONE;
    const batch = new BatchWriter();
    for (const change of changes) batch.catalog(change);
    return this.#queue.add(this.store.append(batch.finish()), { undo, show: () => null });
  }

  /**
   * Waits until no open transaction has writes to the collection and every committed write is installed, so that
   * its indexes and options can be changed. Records of commits that are not durable yet are installed at once: a busy
   * collection always has some.
   */
  async waitForWriters(collection: Collection): Promise<void> {
    const isWriter = ({ writes }: Transaction) => writes.some((write) => write.collection === collection);
    const isLong = (transaction: Transaction) =>
      transaction.writes.length > LONG_COMMIT || transaction.committedAt <= this.versions.durable;
    for (;;) {
      const writer = [...this.#open].find(isWriter);
      const ending = [...this.#installing.keys()].find((one) => isLong(one) && isWriter(one));
      if (writer === undefined && ending === undefined) break;
      await (writer?.finished ?? this.#installing.get(ending!));
    }
    for (const { writes } of this.#installing.keys()) for (const { record } of writes) installPending(record);
  }

  /** @throws CommandFault 14031 once the store has failed */
  requireWritableStore(): void {
    const { failure } = this.store;
    if (failure !== null) throw storeFault(failure);
  }

  #requireCommittable(transaction: Transaction): void {
    try {
      this.#requireNotVoid(transaction);
      this.requireWritableStore();
      this.#requireFreeNames(transaction);
    } catch (error) {
      transaction.takesWrites = true;
      void this.abort(transaction);
      throw error;
    }
  }

  #publish(transaction: Transaction, batch: BatchWriter, session: BsonDocument | null): Promise<void> {
    for (const collection of transaction.created.values()) this.catalog.add(collection);
    this.versions.commit(transaction);
    this.#open.delete(transaction);
    transaction.finish();
    const shown = this.#showWhenDurable(transaction, batch, session);
    if (shown === null) return DONE;
    this.#installing.set(transaction, shown);
    const done = () => this.#installing.delete(transaction);
    shown.then(done, done);
    return shown;
  }

  #showWhenDurable(
    transaction: Transaction,
    batch: BatchWriter,
    session: BsonDocument | null,
  ): Promise<void> | null {
    const show = () => {
      const installed = this.versions.show(transaction);
      this.onShown();
      return installed;
    };
    if (this.store.isVolatile) return show();
    if (session !== null) batch.session(session);
    return this.#queue.add(this.store.append(batch.finish()), { undo: () => this.#undo(transaction), show });
  }

  #undo(transaction: Transaction): void {
    this.versions.undo(transaction);
    for (const collection of transaction.created.values()) {
      collection.isDropped = true;
      this.catalog.remove(collection);
    }
  }

  /**
   * Aborts all open transactions that have writes: each may depend on commits that are about to be undone.
   */
  #voidOpen(): void {
    for (const transaction of [...this.#open]) {
      const { writes, created, isPlain } = transaction;
      if (!isPlain && writes.length === 0 && created.size === 0) continue;
      while (writes.length > 0) undoLast(writes);
      transaction.isVoid = true;
      this.#close(transaction);
    }
  }

  #requireNotVoid({ isVoid }: Transaction): void {
    if (!isVoid) return;
    throw this.store.failure === null ? new WriteConflict(null) : storeFault(this.store.failure);
  }

  #close(transaction: Transaction): void {
    this.#open.delete(transaction);
    this.versions.close(transaction);
    transaction.finish();
  }

  #requireFreeNames({ created }: Transaction): void {
    for (const { database, name } of created.values()) {
      if (this.catalog.find(database, name) !== undefined) throw new WriteConflict(null);
    }
  }
}

function undoLast(writes: Write[]): void {
  const write = writes.pop()!;
  write.collection.undo(write);
}

async function rollBackRest(writes: Write[], mark: number, slice: Pace): Promise<void> {
  while (writes.length > mark) {
    if (slice.isOver()) await slice.pause();
    undoLast(writes);
  }
}

const storeFault = (error: Error): CommandFault =>
  new CommandFault(
    14031,
    error instanceof StoreFailure ? `${error.message}: ${error.remedy}` : error.message,
  );

const DONE = Promise.resolve();
/** Up to this many records are installed without a pause. */
const LONG_COMMIT = 1_000;

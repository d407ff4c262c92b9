import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument } from "../bson/values.ts";
import { BatchWriter } from "../store/batch.ts";
import type { Store } from "../store/store.ts";
import { Catalog, catalogChange } from "./catalog.ts";
import type { Collection } from "./collection.ts";
import type { ReadView } from "./document-record.ts";
import { Transaction } from "./transaction.ts";
import { Versions } from "./versions.ts";
import { WriteConflict } from "./write-conflict.ts";

/** Databases with transactions over a store: what is installed here first is what the log says. */
export class Engine {
  readonly catalog = new Catalog();
  readonly versions = new Versions();
  readonly store: Store;
  readonly #open = new Set<Transaction>();

  constructor(store: Store) {
    this.store = store;
  }

  begin({ isPlain }: { isPlain: boolean }): Transaction {
    const transaction = this.versions.open(new Transaction(this.versions.clock, isPlain));
    this.#open.add(transaction);
    return transaction;
  }

  /** A snapshot of now, for a read that may yield; the caller closes it. */
  openView(): ReadView {
    return this.versions.open({ at: this.versions.clock, transaction: null });
  }

  /** A further view of the state that an open one shows; the caller closes it. */
  viewAt({ at }: ReadView): ReadView {
    return this.versions.open({ at, transaction: null });
  }

  /**
   * Installs the transaction's writes in one step and resolves when they are durable.
   *
   * @param session what a retry of the command must find, stored with the writes
   * @throws WriteConflict (the transaction is aborted then), CommandFault where the store refuses writes
   */
  commit(transaction: Transaction, session: BsonDocument | null = null): Promise<void> {
    const { writes, created } = transaction;
    if (writes.length === 0 && created.size === 0 && session === null) {
      this.#close(transaction);
      return DONE;
    }
    try {
      this.requireWritableStore();
      if (created.size > 0) this.#requireFreeNames(transaction);
    } catch (error) {
      this.abort(transaction);
      throw error;
    }
    const batch = this.#batchOf(transaction, session);
    for (const collection of created.values()) this.catalog.add(collection);
    this.versions.install(transaction);
    this.#open.delete(transaction);
    transaction.finish();
    return this.#store(batch);
  }

  abort(transaction: Transaction): void {
    if (!transaction.isOpen) return;
    this.rollback(transaction, 0);
    this.#close(transaction);
  }

  /** Takes back every write after the first `mark` ones: a failed statement's share. */
  rollback({ writes }: Transaction, mark: number): void {
    while (writes.length > mark) {
      const write = writes.pop()!;
      write.collection.undo(write);
    }
  }

  /** Logs changes of the catalogue that the caller has just made. */
  append(changes: readonly BsonDocument[]): Promise<void> {
    this.requireWritableStore();
    const batch = new BatchWriter();
    for (const change of changes) batch.catalog(change);
    return this.#store(batch);
  }

  /** Waits until no open transaction has written to the collection: its shape may be changed then. */
  async settleWriters(collection: Collection): Promise<void> {
    for (;;) {
      const writer = [...this.#open].find((open) =>
        open.writes.some((write) => write.collection === collection),
      );
      if (writer === undefined) return;
      await writer.finished;
    }
  }

  /** @throws CommandFault 14031 once the store has failed */
  requireWritableStore(): void {
    const { failure } = this.store;
    if (failure !== null) throw refusedWrite(failure);
  }

  async #store(batch: BatchWriter): Promise<void> {
    if (batch.isEmpty) return;
    try {
      await this.store.append(batch.finish());
    } catch (error) {
      throw refusedWrite(error as Error);
    }
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

  #batchOf({ writes, created }: Transaction, session: BsonDocument | null): BatchWriter {
    const batch = new BatchWriter();
    if (this.store.isVolatile) return batch;
    for (const collection of created.values()) {
      batch.catalog(catalogChange.create(collection));
      for (const index of collection.indexes.slice(1)) batch.catalog(catalogChange.index(collection, index));
    }
    for (const { collection, record, before } of writes) {
      if (before !== null || collection.isDropped) continue;
      const bytes = record.pending!.bytes;
      if (bytes !== null) batch.put(collection.id, record.id, bytes);
      else if (record.committedAt > 0) batch.remove(collection.id, record.id);
    }
    if (session !== null) batch.session(session);
    return batch;
  }
}

const refusedWrite = ({ message }: Error): CommandFault =>
  new CommandFault(
    14031,
    `The data directory has refused a write (${message}): the server answers reads only until it is restarted`,
  );

const DONE = Promise.resolve();

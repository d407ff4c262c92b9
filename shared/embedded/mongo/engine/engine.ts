import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Pace } from "../planner/rows.ts";
import { TimeSlice } from "../planner/time-slice.ts";
import { BatchWriter } from "../store/batch.ts";
import type { Store } from "../store/store.ts";
import { Catalog, catalogChange } from "./catalog.ts";
import type { Collection } from "./collection.ts";
import type { ReadView } from "./document-record.ts";
import { Transaction, type Write } from "./transaction.ts";
import { type NewSlice, Versions } from "./versions.ts";
import { WriteConflict } from "./write-conflict.ts";

/** Databases with transactions over a store: what is installed here first is what the log says. */
export class Engine {
  readonly catalog = new Catalog();
  readonly versions: Versions;
  readonly store: Store;
  readonly #open = new Set<Transaction>();
  /** Committed, but their records still wait for some of their writes. */
  readonly #installing = new Map<Transaction, Promise<void>>();

  readonly #newSlice: NewSlice;

  /** @param newSlice how commits and rollbacks are divided */
  constructor(store: Store, newSlice: NewSlice = () => new TimeSlice()) {
    this.store = store;
    this.versions = new Versions(newSlice);
    this.#newSlice = newSlice;
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
   * Shows the transaction's writes to everybody in one step, and resolves when they are durable.
   *
   * What takes long about a large one, its batch for the log before that step and its records behind it, pauses in
   * between: `transaction.finished` tells when the step is done.
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

  /** Resolves when nothing of the transaction is left: of a large one that takes a while. */
  abort(transaction: Transaction): Promise<void> {
    if (!transaction.isOpen || !transaction.takesWrites) return DONE;
    transaction.takesWrites = false;
    const undone = this.rollback(transaction, 0);
    if (undone !== null) return undone.then(() => this.#close(transaction));
    this.#close(transaction);
    return DONE;
  }

  /** Takes back every write after the first `mark` ones, a failed statement's share; null where that took no time. */
  rollback({ writes }: Transaction, mark: number): Promise<void> | null {
    const slice = this.#newSlice();
    while (writes.length > mark) {
      undoLast(writes);
      if (slice.isOver()) return rollBackRest(writes, mark, slice);
    }
    return null;
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
      const isWriter = ({ writes }: Transaction) => writes.some((write) => write.collection === collection);
      const writer = [...this.#open].find(isWriter);
      const ending = [...this.#installing.keys()].find(isWriter);
      if (writer === undefined && ending === undefined) return;
      await (writer?.finished ?? this.#installing.get(ending!));
    }
  }

  /** @throws CommandFault 14031 once the store has failed */
  requireWritableStore(): void {
    const { failure } = this.store;
    if (failure !== null) throw refusedWrite(failure);
  }

  #requireCommittable(transaction: Transaction): void {
    try {
      this.requireWritableStore();
      this.#requireFreeNames(transaction);
    } catch (error) {
      transaction.takesWrites = true;
      void this.abort(transaction);
      throw error;
    }
  }

  async #publish(transaction: Transaction, batch: BatchWriter, session: BsonDocument | null): Promise<void> {
    if (session !== null && !this.store.isVolatile) batch.session(session);
    for (const collection of transaction.created.values()) this.catalog.add(collection);
    const installed = this.versions.publish(transaction);
    this.#open.delete(transaction);
    transaction.finish();
    if (installed !== null) {
      this.#installing.set(transaction, installed);
      void installed.then(() => this.#installing.delete(transaction));
    }
    await Promise.all([this.#store(batch), installed]);
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
}

/** Writes the transaction into a batch; null where that took no time. */
function fillBatch(batch: BatchWriter, { writes, created }: Transaction, slice: Pace): Promise<void> | null {
  for (const collection of created.values()) {
    batch.catalog(catalogChange.create(collection));
    for (const index of collection.indexes.slice(1)) batch.catalog(catalogChange.index(collection, index));
  }
  for (let i = 0; i < writes.length; i++) {
    addToBatch(batch, writes[i]!);
    if (slice.isOver()) return fillRest(batch, { writes, from: i + 1, slice });
  }
  return null;
}

async function fillRest(
  batch: BatchWriter,
  { writes, from, slice }: { writes: readonly Write[]; from: number; slice: Pace },
): Promise<void> {
  for (let i = from; i < writes.length; i++) {
    if (slice.isOver()) await slice.pause();
    addToBatch(batch, writes[i]!);
  }
}

/** Of several writes to one record the first stands for all: what the record holds now is what the last has left. */
function addToBatch(batch: BatchWriter, { collection, record, before }: Write): void {
  if (before !== null || collection.isDropped) return;
  const bytes = record.pending!.bytes;
  if (bytes !== null) batch.put(collection.id, record.id, bytes);
  else if (record.committedAt > 0) batch.remove(collection.id, record.id);
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

const refusedWrite = ({ message }: Error): CommandFault =>
  new CommandFault(
    14031,
    `The data directory has refused a write (${message}): the server answers reads only until it is restarted`,
  );

const DONE = Promise.resolve();

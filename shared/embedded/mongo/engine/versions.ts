import type { Pace } from "../pacing/pace.ts";
import type { IndexKeys, Write } from "./document-record.ts";
import { type DocumentRecord, installPending, type ReadView, type RecordOwner } from "./document-record.ts";
import type { Transaction } from "./transaction.ts";

/** Versions older than `committedAt` and their index entries, kept until no snapshot can see them. */
interface Retired {
  readonly committedAt: number;
  readonly collection: RecordOwner;
  readonly record: DocumentRecord;
  readonly dropped: readonly IndexKeys[];
}

/** Starts a time slice for a piece of long work. */
export type NewSlice = () => Pace;

/** The commit clock, the open snapshots, and the pruning of versions that no snapshot can see. */
export class Versions {
  /** Counts commits. A snapshot is a value of this clock. */
  clock = 1;
  /** Commits up to this value are durable. Readers see these; writers see all. */
  durable = 1;
  readonly #open = new Set<ReadView>();
  readonly #newSlice: NewSlice;
  readonly #install = (write: Write) => this.#installWrite(write);
  #retired: Retired[] = [];
  #pruned = 0;
  #pruning: NodeJS.Immediate | null = null;

  constructor(newSlice: NewSlice) {
    this.#newSlice = newSlice;
  }

  get openViews(): number {
    return this.#open.size;
  }

  get retiredVersions(): number {
    return this.#retired.length - this.#pruned;
  }

  /** Keeps everything that the view sees until `close`. */
  open<V extends ReadView>(view: V): V {
    this.#open.add(view);
    return view;
  }

  close(view: ReadView): void {
    if (this.#open.delete(view)) this.#prune();
  }

  /** Commits the transaction's writes. Writers see them at once, readers after `show`. */
  commit(transaction: Transaction): void {
    this.#open.delete(transaction);
    this.clock += 1;
    transaction.committedAt = this.clock;
    transaction.install = this.#install;
  }

  /**
   * Makes the writes of a durable transaction visible to readers in one step. All earlier commits must be durable
   * too.
   *
   * Many writes are installed in their records over several turns, those first that another writer needs. The
   * returned promise settles when all are installed; it is null if that needed no pause.
   */
  show({ committedAt, writes }: Transaction): Promise<void> | null {
    this.durable = committedAt;
    const slice = this.#newSlice();
    for (let i = 0; i < writes.length; i++) {
      installPending(writes[i]!.record);
      if (slice.isOver()) return this.#installRest(writes, i + 1, slice);
    }
    this.#prune();
    return null;
  }

  /** Resets the clock of durable commits after failed commits were undone. */
  resetDurable(): void {
    this.durable = this.clock;
    this.#prune();
  }

  /** Undoes the writes of the latest commit that is not durable. */
  undo(transaction: Transaction): void {
    const { writes, committedAt } = transaction;
    for (let i = writes.length - 1; i >= 0; i--) {
      const write = writes[i]!;
      if (write.record.pending === write) write.collection.undo(write);
      else if (write.record.committedAt === committedAt) uninstall(write);
    }
    const isUndone = (retired: Retired) => retired.committedAt === committedAt;
    for (const { collection, record, dropped } of this.#retired.filter(isUndone))
      collection.dropEntries(record, dropped);
    this.#retired = this.#retired.slice(this.#pruned).filter((retired) => !isUndone(retired));
    this.#pruned = 0;
    transaction.committedAt = Number.POSITIVE_INFINITY;
  }

  async #installRest(writes: readonly Write[], from: number, slice: Pace): Promise<void> {
    for (let i = from; i < writes.length; i++) {
      if (slice.isOver()) await slice.pause();
      installPending(writes[i]!.record);
    }
    this.#prune();
  }

  /** Installs the last write of a transaction to a record, which replaces its earlier ones. */
  #installWrite(last: Write): void {
    const { collection, record, bytes, before, owner } = last;
    const dropped = droppedBy(last);
    const mayBeSeen = this.#open.size > 0 || owner.committedAt > this.durable;
    // Older versions are pruned one retirement at a time, and each retirement ends at the version that caused it.
    const isUnpruned = record.older !== null;
    if ((mayBeSeen || isUnpruned) && record.committedAt > 0) {
      record.older = { committedAt: record.committedAt, bytes: record.bytes, older: record.older };
    }
    record.bytes = bytes;
    record.committedAt = owner.committedAt;
    record.pending = null;
    if (record.older !== null) {
      this.#retired.push({ committedAt: owner.committedAt, collection, record, dropped });
    } else if (bytes === null) this.#remove(collection, record, dropped);
    // A record written twice may have regained a key that its first write dropped.
    else if (before !== null) collection.dropEntries(record, dropped);
    else for (const { index, keys } of dropped) index.removeEntries(keys, record);
  }

  #remove(collection: RecordOwner, record: DocumentRecord, dropped: readonly IndexKeys[]): void {
    for (const { index, keys } of dropped) index.removeEntries(keys, record);
    collection.records.delete(record);
  }

  /** Prunes what no snapshot can see. If that takes long, later turns of the event loop continue. */
  #prune(): void {
    if (this.retiredVersions === 0 || this.#pruning !== null) return;
    const oldest = this.#oldestView();
    const slice = this.#newSlice();
    let isOver = false;
    while (!isOver && this.retiredVersions > 0) {
      const retired = this.#retired[this.#pruned]!;
      if (retired.committedAt > oldest) break;
      this.#pruneRecord(retired);
      this.#pruned += 1;
      isOver = slice.isOver();
    }
    if (this.retiredVersions === 0 || this.#pruned > 10_000) {
      this.#retired = this.#retired.slice(this.#pruned);
      this.#pruned = 0;
    }
    if (!isOver) return;
    this.#pruning = setImmediate(() => {
      this.#pruning = null;
      this.#prune();
    });
  }

  #oldestView(): number {
    let oldest = this.durable;
    for (const view of this.#open) if (view.at < oldest) oldest = view.at;
    return oldest;
  }

  /**
   * Removes versions older than the one that retired them. Versions that newer ones retired are pruned with
   * those: a record without older versions counts as having one version, so it must not have their index entries.
   */
  #pruneRecord({ committedAt, collection, record, dropped }: Retired): void {
    if (record.committedAt <= committedAt) record.older = null;
    else {
      let version = record.older;
      while (version !== null && version.committedAt > committedAt) version = version.older;
      if (version !== null) (version as { older: null }).older = null;
    }
    if (record.bytes === null && record.hasOneVersion) this.#remove(collection, record, dropped);
    else collection.dropEntries(record, dropped);
  }
}

/** Undoes a version that a later writer installed in its record before it was durable. */
function uninstall({ collection, record }: Write): void {
  const obsolete = collection.everyKey(record.bytes);
  const { older } = record;
  record.bytes = older?.bytes ?? null;
  record.committedAt = older?.committedAt ?? 0;
  record.older = older?.older ?? null;
  collection.dropEntries(record, obsolete);
  if (older === null) collection.records.delete(record);
}

/** Returns the index entries that a transaction's writes to one record make obsolete. */
function droppedBy(last: Write): readonly IndexKeys[] {
  const { collection, record, before } = last;
  if (before === null) return last.dropped ?? collection.everyKey(record.bytes);
  const all: IndexKeys[] = [];
  for (let write: Write | null = last; write !== null; write = write.before) {
    all.push(
      ...(write.dropped ?? collection.everyKey(write.before === null ? record.bytes : write.before.bytes)),
    );
  }
  return all;
}

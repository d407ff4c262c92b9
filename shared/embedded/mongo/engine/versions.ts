import type { Collection } from "./collection.ts";
import type { DocumentRecord, ReadView } from "./document-record.ts";
import type { IndexKeys, Transaction, Write } from "./transaction.ts";

/** What waits for the snapshots that can still see it: versions behind `committedAt`, and their index entries. */
interface Retired {
  readonly committedAt: number;
  readonly collection: Collection;
  readonly record: DocumentRecord;
  readonly dropped: readonly IndexKeys[];
}

/** The clock of commits, the open snapshots, and the pruning of what none of them can see any more. */
export class Versions {
  /** Counts commits; a snapshot is the value it was taken at. */
  clock = 1;
  readonly #open = new Set<ReadView>();
  #retired: Retired[] = [];
  #pruned = 0;

  get openViews(): number {
    return this.#open.size;
  }

  get retiredVersions(): number {
    return this.#retired.length - this.#pruned;
  }

  /** Keeps everything that the view sees until it is closed. */
  open<V extends ReadView>(view: V): V {
    this.#open.add(view);
    return view;
  }

  close(view: ReadView): void {
    if (this.#open.delete(view) && this.retiredVersions > 0) this.#prune();
  }

  /** Turns the transaction's writes into committed versions, at once for every other reader. */
  install(transaction: Transaction): void {
    this.#open.delete(transaction);
    this.clock += 1;
    const isWatched = this.#open.size > 0;
    for (const write of transaction.writes) this.#installWrite(write, isWatched);
    if (this.retiredVersions > 0) this.#prune();
  }

  #installWrite({ collection, record, dropped }: Write, isWatched: boolean): void {
    const { pending, committedAt } = record;
    // A record written twice may have come back to a key that its first write dropped.
    const isRewritten = pending === null || pending.isRewrite;
    if (pending !== null) {
      if (isWatched && committedAt > 0) {
        record.older = { committedAt, bytes: record.bytes, older: record.older };
      }
      record.bytes = pending.bytes;
      record.committedAt = this.clock;
      record.pending = null;
    }
    if (isWatched && record.older !== null) {
      this.#retired.push({ committedAt: this.clock, collection, record, dropped });
    } else if (record.bytes === null) this.#forget(collection, record, dropped);
    else if (isRewritten) collection.dropEntries(record, dropped);
    else if (dropped.length > 0) this.#dropSimple(collection, record, dropped);
  }

  #dropSimple(collection: Collection, record: DocumentRecord, dropped: readonly IndexKeys[]): void {
    if (!record.isSettled) {
      collection.dropEntries(record, dropped);
      return;
    }
    for (const { index, keys } of dropped) index.removeEntries(keys, record);
  }

  #forget(collection: Collection, record: DocumentRecord, dropped: readonly IndexKeys[]): void {
    for (const { index, keys } of dropped) index.removeEntries(keys, record);
    collection.records.delete(record);
  }

  #prune(): void {
    const oldest = this.#oldestView();
    let at = this.#pruned;
    for (; at < this.#retired.length; at++) {
      const retired = this.#retired[at]!;
      if (retired.committedAt > oldest) break;
      this.#pruneRecord(retired, oldest);
    }
    this.#pruned = at;
    if (at === this.#retired.length || at > 10_000) {
      this.#retired = this.#retired.slice(at);
      this.#pruned = 0;
    }
  }

  #oldestView(): number {
    let oldest = this.clock;
    for (const view of this.#open) if (view.at < oldest) oldest = view.at;
    return oldest;
  }

  #pruneRecord({ collection, record, dropped }: Retired, oldest: number): void {
    if (record.committedAt <= oldest) record.older = null;
    else {
      let version = record.older;
      while (version !== null && version.committedAt > oldest) version = version.older;
      if (version !== null) (version as { older: null }).older = null;
    }
    if (record.bytes === null && record.isSettled) this.#forget(collection, record, dropped);
    else collection.dropEntries(record, dropped);
  }
}

import type { DocumentRecord } from "./document-record.ts";
import type { KeyInterval, OrderedEntries } from "./ordered-entries.ts";

/**
 * Walks the entries of one interval, forwards or backwards.
 *
 * Entries may come and go between two steps: the cursor remembers the entry it gave last and finds its place
 * again by it, so each entry that stays is given exactly once.
 */
export class EntryCursor {
  key = "";
  record: DocumentRecord | null = null;
  readonly #entries: OrderedEntries;
  readonly #interval: KeyInterval;
  readonly #backwards: boolean;
  #leaf = -1;
  #slot = 0;
  #revision = -1;

  constructor(entries: OrderedEntries, interval: KeyInterval, backwards = false) {
    this.#entries = entries;
    this.#interval = interval;
    this.#backwards = backwards;
  }

  /** Steps to the next entry and puts it into `key` and `record`; false at the end. */
  next(): boolean {
    if (this.#revision !== this.#entries.revision) this.#findPlace();
    else this.#slot += this.#backwards ? -1 : 1;
    return this.#backwards ? this.#takeBackwards() : this.#takeForwards();
  }

  #findPlace(): void {
    const { low, high } = this.#interval;
    const first = this.record === null;
    let place: { leaf: number; slot: number };
    if (this.#backwards) {
      place = first ? this.#entries.seek(high, -1) : this.#entries.seek(this.key, this.record!.id);
      place.slot -= 1;
    } else {
      place = first ? this.#entries.seek(low, -1) : this.#entries.seek(this.key, this.record!.id + 1);
    }
    this.#leaf = place.leaf;
    this.#slot = place.slot;
    this.#revision = this.#entries.revision;
  }

  #takeForwards(): boolean {
    const { leaves } = this.#entries;
    let leaf = leaves[this.#leaf];
    if (leaf !== undefined && this.#slot >= leaf.keys.length) {
      this.#leaf += 1;
      this.#slot = 0;
      leaf = leaves[this.#leaf];
    }
    if (leaf === undefined || leaf.keys[this.#slot]! >= this.#interval.high) return this.#end();
    this.key = leaf.keys[this.#slot]!;
    this.record = leaf.records[this.#slot]!;
    return true;
  }

  #takeBackwards(): boolean {
    const { leaves } = this.#entries;
    if (this.#slot < 0) {
      this.#leaf -= 1;
      this.#slot = (leaves[this.#leaf]?.keys.length ?? 0) - 1;
    }
    const leaf = leaves[this.#leaf];
    if (leaf === undefined || leaf.keys[this.#slot]! < this.#interval.low) return this.#end();
    this.key = leaf.keys[this.#slot]!;
    this.record = leaf.records[this.#slot]!;
    return true;
  }

  #end(): boolean {
    this.#revision = -1;
    return false;
  }
}

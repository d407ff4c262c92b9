import type { DocumentRecord } from "./document-record.ts";
import type { KeyInterval, OrderedEntries } from "./ordered-entries.ts";

/**
 * Iterates over the entries of one interval, forwards or backwards.
 *
 * Entries may be added and removed between two steps. The cursor finds its position again by the last entry that it
 * returned, so it returns each entry that stays exactly once.
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

  /** Moves to the next entry and sets `key` and `record`. Returns false at the end. */
  next(): boolean {
    if (this.#revision !== this.#entries.revision) this.#findPosition();
    else this.#slot += this.#backwards ? -1 : 1;
    return this.#backwards ? this.#takeBackwards() : this.#takeForwards();
  }

  #findPosition(): void {
    const { low, high } = this.#interval;
    const first = this.record === null;
    let position: { leaf: number; slot: number };
    if (this.#backwards) {
      position = first ? this.#entries.seek(high, -1) : this.#entries.seek(this.key, this.record!.id);
      position.slot -= 1;
    } else {
      position = first ? this.#entries.seek(low, -1) : this.#entries.seek(this.key, this.record!.id + 1);
    }
    this.#leaf = position.leaf;
    this.#slot = position.slot;
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

import type { Pace } from "../pacing/pace.ts";
import type { DocumentRecord } from "./document-record.ts";

/** Half-open interval of keys: low <= key < high. */
export interface KeyInterval {
  readonly low: string;
  readonly high: string;
}

/** Sorts after every key. */
export const HIGHEST_KEY = "\uffff";
export const EVERY_KEY: KeyInterval = { low: "", high: HIGHEST_KEY };

const LEAF_CAPACITY = 128;

interface Leaf {
  readonly keys: string[];
  readonly records: DocumentRecord[];
}

/**
 * The entries of one index in order of (key, record id), in leaves of up to 128.
 *
 * Two levels are enough: a million entries are in about ten thousand leaves, found in 14 steps. Parallel arrays
 * cost 16 bytes per entry in addition to the key; an object per entry would cost 40 more.
 */
export class OrderedEntries {
  readonly leaves: Leaf[] = [];
  size = 0;
  /** Changes with every insert and removal, so that cursors detect a stale position. */
  revision = 0;

  /** Adds an entry unless it exists. */
  add(key: string, record: DocumentRecord): void {
    const at = this.#leafFor(key, record.id);
    if (at === this.leaves.length) {
      this.#append(key, record);
      return;
    }
    const leaf = this.leaves[at]!;
    const slot = slotFor(leaf, key, record.id);
    if (leaf.records[slot] === record && leaf.keys[slot] === key) return;
    insertAt(leaf.keys, slot, key);
    insertAt(leaf.records, slot, record);
    this.#grown();
    if (leaf.keys.length > LEAF_CAPACITY) this.#split(at);
  }

  remove(key: string, record: DocumentRecord): void {
    const at = this.#leafFor(key, record.id);
    const leaf = this.leaves[at];
    if (leaf === undefined) return;
    const slot = slotFor(leaf, key, record.id);
    if (leaf.records[slot] !== record || leaf.keys[slot] !== key) return;
    removeAt(leaf.keys, slot);
    removeAt(leaf.records, slot);
    if (leaf.keys.length === 0) this.leaves.splice(at, 1);
    this.size -= 1;
    this.revision += 1;
  }

  /** Fills an empty list from sorted entries, which is much faster than adding them one by one. */
  async load(
    entries: readonly { readonly key: string; readonly record: DocumentRecord }[],
    pace: Pace,
  ): Promise<void> {
    // Leaves are filled to three quarters, so that the first inserts do not split them.
    const fill = (LEAF_CAPACITY * 3) / 4;
    for (let from = 0; from < entries.length; from += fill) {
      const part = entries.slice(from, from + fill);
      this.leaves.push({ keys: part.map(({ key }) => key), records: part.map(({ record }) => record) });
      if (pace.isOver()) await pace.pause();
    }
    this.size = entries.length;
    this.revision += 1;
  }

  /** Returns the position (leaf, slot) of the first entry at or after (key, id). */
  seek(key: string, id: number): { leaf: number; slot: number } {
    const leaf = this.#leafFor(key, id);
    return { leaf, slot: leaf < this.leaves.length ? slotFor(this.leaves[leaf]!, key, id) : 0 };
  }

  /** Returns the first record with exactly this key that passes the test. */
  find(key: string, test: (record: DocumentRecord) => boolean): DocumentRecord | undefined {
    let { leaf, slot } = this.seek(key, -1);
    for (;;) {
      const entries = this.leaves[leaf];
      if (entries === undefined || (slot < entries.keys.length && entries.keys[slot] !== key))
        return undefined;
      const record = entries.records[slot];
      if (record !== undefined && test(record)) return record;
      slot += 1;
      if (slot >= entries.keys.length) {
        leaf += 1;
        slot = 0;
      }
    }
  }

  /** Estimates the number of entries in an interval from leaf positions. */
  estimate(interval: KeyInterval): number {
    const low = this.seek(interval.low, -1);
    const high = this.seek(interval.high, -1);
    if (low.leaf === high.leaf) return Math.max(0, high.slot - low.slot);
    const perLeaf = this.size / this.leaves.length;
    return Math.round((high.leaf - low.leaf) * perLeaf + high.slot - low.slot);
  }

  #leafFor(key: string, id: number): number {
    let low = 0;
    let high = this.leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const leaf = this.leaves[middle]!;
      const last = leaf.keys.length - 1;
      const lastKey = leaf.keys[last]!;
      if (lastKey < key || (lastKey === key && leaf.records[last]!.id < id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #append(key: string, record: DocumentRecord): void {
    const leaf = this.leaves.at(-1);
    // The last leaf is not split in half: with rising keys (ids, times) every leaf would stay half empty.
    if (leaf === undefined || leaf.keys.length >= LEAF_CAPACITY) {
      this.leaves.push({ keys: [key], records: [record] });
    } else {
      leaf.keys.push(key);
      leaf.records.push(record);
    }
    this.#grown();
  }

  #split(at: number): void {
    const leaf = this.leaves[at]!;
    const half = leaf.keys.length >>> 1;
    const right = { keys: leaf.keys.slice(half), records: leaf.records.slice(half) };
    this.leaves[at] = { keys: leaf.keys.slice(0, half), records: leaf.records.slice(0, half) };
    this.leaves.splice(at + 1, 0, right);
  }

  #grown(): void {
    this.size += 1;
    this.revision += 1;
  }
}

function slotFor(leaf: Leaf, key: string, id: number): number {
  let low = 0;
  let high = leaf.keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = leaf.keys[middle]!;
    if (candidate < key || (candidate === key && leaf.records[middle]!.id < id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Array.splice allocates the array of removed elements; on leaves this small a loop is three times faster.
function insertAt<T>(list: T[], slot: number, value: T): void {
  list.push(value);
  for (let i = list.length - 1; i > slot; i--) list[i] = list[i - 1]!;
  list[slot] = value;
}

function removeAt<T>(list: T[], slot: number): void {
  for (let i = slot; i < list.length - 1; i++) list[i] = list[i + 1]!;
  list.pop();
}

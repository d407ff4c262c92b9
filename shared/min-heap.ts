/** An entry of a heap. Its owner sets `at`; the heap writes the other fields. */
export interface HeapEntry {
  /** Sort key, mostly milliseconds since the epoch. Entries with equal keys leave in the order in which they were added. */
  at: number;
  /** Number of the addition; written by the heap. */
  sequence: number;
  /** Index in the heap, -1 outside it; written by the heap. */
  position: number;
}

/** A binary heap whose entries store their position, so that any of them can be removed. */
export class MinHeap<E extends HeapEntry> {
  private readonly entries: E[] = [];
  private added = 0;

  get size(): number {
    return this.entries.length;
  }

  peek(): E | undefined {
    return this.entries[0];
  }

  add(entry: E): void {
    entry.sequence = this.added++;
    this.entries.push(entry);
    this.rise(entry, this.entries.length - 1);
  }

  take(): E | undefined {
    const first = this.entries[0];
    if (first) this.remove(first);
    return first;
  }

  /** Returns false if the entry is not in the heap. */
  remove(entry: E): boolean {
    const { position } = entry;
    if (position < 0 || this.entries[position] !== entry) return false;
    const last = this.entries.pop() as E;
    entry.position = -1;
    if (last !== entry) {
      this.sink(last, position);
      this.rise(last, last.position);
    }
    return true;
  }

  private rise(entry: E, from: number): void {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = this.entries[parent] as E;
      if (!isBefore(entry, above)) break;
      this.put(above, position);
      position = parent;
    }
    this.put(entry, position);
  }

  private sink(entry: E, from: number): void {
    let position = from;
    for (;;) {
      let child = position * 2 + 1;
      let below = this.entries[child];
      if (!below) break;
      const right = this.entries[child + 1];
      if (right && isBefore(right, below)) {
        below = right;
        child += 1;
      }
      if (!isBefore(below, entry)) break;
      this.put(below, position);
      position = child;
    }
    this.put(entry, position);
  }

  private put(entry: E, position: number): void {
    this.entries[position] = entry;
    entry.position = position;
  }
}

function isBefore(a: HeapEntry, b: HeapEntry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

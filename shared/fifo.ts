/** The array is compacted once this many of its slots are consumed and they outnumber the waiting items. */
const SPENT = 1024;

/**
 * A queue with constant costs at both ends. `Array.shift` copies all items on each call once there are some ten
 * thousand.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The item that leaves next. */
  first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > SPENT && this.#head > this.size) this.#replace(this.#items.slice(this.#head));
    return item;
  }

  /** Removes up to `count` items from the front. */
  take(count: number): T[] {
    const taken: T[] = [];
    for (let left = Math.min(count, this.size); left > 0; left--) taken.push(this.shift() as T);
    return taken;
  }

  /** Inserts items before all others and keeps their order. */
  putFirst(items: readonly T[]): void {
    this.#replace([...items, ...this.#items.slice(this.#head)]);
  }

  /** Inserts an item before the first one that `comesAfter` selects, else at the end. */
  insert(item: T, comesAfter: (other: T) => boolean): void {
    const rest = this.drain();
    const index = rest.findIndex(comesAfter);
    rest.splice(index === -1 ? rest.length : index, 0, item);
    this.#replace(rest);
  }

  /** Removes and returns all items. */
  drain(): T[] {
    const items = this.#items.slice(this.#head) as T[];
    this.#replace([]);
    return items;
  }

  #replace(items: (T | undefined)[]): void {
    this.#items = items;
    this.#head = 0;
  }
}

/** Items that were taken are forgotten in one go, once there are this many of them and more than of those that wait. */
const SPENT = 1024;

/**
 * A queue whose ends cost the same however many items wait: beyond some ten thousand items `Array.shift` copies all
 * of them for each one taken.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The item that is taken next. */
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

  /** Takes so many items, or all where there are fewer. */
  take(count: number): T[] {
    const taken: T[] = [];
    for (let left = Math.min(count, this.size); left > 0; left--) taken.push(this.shift() as T);
    return taken;
  }

  /** Puts items before all others, in their order. */
  putFirst(items: readonly T[]): void {
    this.#replace([...items, ...this.#items.slice(this.#head)]);
  }

  /** Puts an item before the first one that comes after it, or last. */
  insert(item: T, comesAfter: (other: T) => boolean): void {
    const rest = this.drain();
    const index = rest.findIndex(comesAfter);
    rest.splice(index === -1 ? rest.length : index, 0, item);
    this.#replace(rest);
  }

  /** Takes all. */
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

import assert from "node:assert/strict";
import { LIMIT_MS } from "../eventually.ts";

/** Items that handlers received, with a way to wait for them. */
export class Collected<T> {
  readonly items: T[] = [];
  readonly #waiters = new Set<() => void>();

  add(item: T): void {
    this.items.push(item);
    for (const check of this.#waiters) check();
  }

  /** Resolves when `count` items were added; fails after the limit with the number of items. */
  reach(count: number, limitMs = LIMIT_MS): Promise<readonly T[]> {
    return this.when((items) => items.length >= count, `${count} items`, limitMs);
  }

  when(isTrue: (items: readonly T[]) => boolean, what: string, limitMs = LIMIT_MS): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        reject(
          new assert.AssertionError({
            message: `waited ${limitMs} ms for ${what}; there are ${this.items.length} items`,
          }),
        );
      }, limitMs);
      const check = (): void => {
        if (!isTrue(this.items)) return;
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve(this.items);
      };
      this.#waiters.add(check);
      check();
    });
  }
}

/** Returns a promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

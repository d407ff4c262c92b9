import assert from "node:assert/strict";
import { LIMIT_MS } from "../eventually.ts";

/** What handlers have seen, with a way to wait for it. */
export class Collected<T> {
  readonly items: T[] = [];
  readonly #waiters = new Set<() => void>();

  add(item: T): void {
    this.items.push(item);
    for (const check of this.#waiters) check();
  }

  /** Resolves when so many have come; fails after the limit and says how many had. */
  reach(count: number, limitMs = LIMIT_MS): Promise<readonly T[]> {
    return this.when((items) => items.length >= count, `${count} items`, limitMs);
  }

  when(isTrue: (items: readonly T[]) => boolean, what: string, limitMs = LIMIT_MS): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        reject(
          new assert.AssertionError({
            message: `waited ${limitMs} ms for ${what}; ${this.items.length} items came`,
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

/** A promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** The most recently added ids, up to a limit; the oldest are dropped first. */
export class RecentIds {
  readonly #limit: number;
  // Two generations instead of one ordered set: the older one is dropped as a whole, at no cost per id.
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(limit: number) {
    this.#limit = Math.ceil(limit / 2);
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }

  add(id: string): void {
    this.#young.add(id);
    if (this.#young.size < this.#limit) return;
    this.#old = this.#young;
    this.#young = new Set();
  }
}

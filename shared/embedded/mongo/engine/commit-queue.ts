/** A change that writers may build upon, and that readers see once it is durable. */
interface Unstored {
  /** Undoes the change; all later changes have been undone before. */
  readonly undo: () => void;
}

/** Hooks around the rollback of failed commits, and the error that their callers receive. */
interface Refusal {
  before(): void;
  after(): void;
  error(cause: Error): Error;
}

/**
 * The commits that the store is writing, in its order. Each becomes visible when it is durable. If one fails, it
 * and all later ones are undone, since they may build upon it.
 */
export class CommitQueue {
  readonly #unstored = new Set<Unstored>();
  readonly #refusal: Refusal;
  #latest: Promise<void> = DONE;

  constructor(refusal: Refusal) {
    this.#refusal = refusal;
  }

  /** Resolves when every commit up to now is durable; rejects if one fails. */
  get durable(): Promise<void> {
    return this.#unstored.size === 0 ? DONE : this.#latest;
  }

  /**
   * @param stored the store's result; results arrive in the order of the calls
   * @param show called as soon as the commit is durable, and awaited
   */
  add(stored: Promise<void>, { undo, show }: Unstored & { show: () => Promise<void> | null }): Promise<void> {
    const commit = { undo };
    this.#unstored.add(commit);
    this.#latest = this.#follow(stored, commit, show);
    return this.#latest;
  }

  async #follow(stored: Promise<void>, commit: Unstored, show: () => Promise<void> | null): Promise<void> {
    try {
      await stored;
    } catch (error) {
      this.#refuse();
      throw this.#refusal.error(error as Error);
    }
    this.#unstored.delete(commit);
    const rest = show();
    if (rest !== null) await rest;
  }

  #refuse(): void {
    if (this.#unstored.size === 0) return;
    this.#refusal.before();
    for (const { undo } of [...this.#unstored].reverse()) undo();
    this.#unstored.clear();
    this.#refusal.after();
  }
}

const DONE = Promise.resolve();

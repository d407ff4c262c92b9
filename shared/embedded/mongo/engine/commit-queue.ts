/** A change that everybody may build upon, but nobody may be shown until it is durable. */
interface Unstored {
  /** Takes the change back; everything that came after it has been taken back then. */
  readonly undo: () => void;
}

/** What happens around the refused commits being taken back, and what those who made them get. */
interface Refusal {
  before(): void;
  after(): void;
  error(cause: Error): Error;
}

/**
 * The commits on their way to the store, in its order. Each is shown when it is durable; the first that is refused takes
 * all behind it along, since they may build upon it.
 */
export class CommitQueue {
  readonly #unstored = new Set<Unstored>();
  readonly #refusal: Refusal;
  #latest: Promise<void> = DONE;

  constructor(refusal: Refusal) {
    this.#refusal = refusal;
  }

  /** Resolves when every commit of until now is durable; rejects where one is refused. */
  get settled(): Promise<void> {
    return this.#unstored.size === 0 ? DONE : this.#latest;
  }

  /**
   * @param stored how the store reports: in the order of the calls
   * @param show called at once when the commit is durable, and waited for
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

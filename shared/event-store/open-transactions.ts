/**
 * A transaction as the outbox sees it: `open`; `delayed` when its caller no longer waits for it and it may still
 * commit; `unknown` when the response to its commit was lost.
 */
export type TransactionState = "open" | "delayed" | "unknown";

/** An open transaction by its floor: an id below those of all its events. */
export interface OpenTransaction {
  readonly floor: string;
  /** When it began (`performance.now()`). */
  readonly begunAt: number;
  readonly state: TransactionState;
}

/** The transactions that have not ended. No checkpoint may pass the floor of one of them. */
export class OpenTransactions {
  readonly #transactions = new Map<string, OpenTransaction>();
  #delayed = 0;

  /** Transactions that may still commit although their callers no longer wait: nothing may be sent before they end. */
  get delayed(): number {
    return this.#delayed;
  }

  get size(): number {
    return this.#transactions.size;
  }

  begin(floor: string, now: number): void {
    this.#transactions.set(floor, { floor, begunAt: now, state: "open" });
  }

  /** Does nothing for a transaction that has ended. */
  to(state: TransactionState, floor: string): void {
    const transaction = this.#transactions.get(floor);
    if (!transaction) return;
    this.#count(transaction.state, -1);
    this.#count(state, 1);
    this.#transactions.set(floor, { ...transaction, state });
  }

  end(floor: string): void {
    const transaction = this.#transactions.get(floor);
    if (!transaction) return;
    this.#count(transaction.state, -1);
    this.#transactions.delete(floor);
  }

  floors(): Iterable<string> {
    return this.#transactions.keys();
  }

  /** When the oldest one began; undefined if there is none. */
  oldestBegunAt(): number | undefined {
    const [oldest] = this.#transactions.values();
    return oldest?.begunAt;
  }

  #count(state: TransactionState, change: 1 | -1): void {
    if (state === "delayed") this.#delayed += change;
  }
}

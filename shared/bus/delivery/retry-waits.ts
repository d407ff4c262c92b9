export interface RetryWaitsOptions {
  /** Delays before the second attempt, the third and so on; the last one repeats. */
  readonly backoffMs: readonly number[];
  /** An event released its slot while it waits. */
  onSlotReleased(): void;
}

/** The waits of one subscription between failed attempts. They can be ended together. */
export class RetryWaits {
  readonly #options: RetryWaitsOptions;
  readonly #pending = new Map<NodeJS.Timeout, (mayRetry: boolean) => void>();
  #isEnded = false;
  #released = 0;

  constructor(options: RetryWaitsOptions) {
    this.#options = options;
  }

  /** Waits that have released their slot. */
  get released(): number {
    return this.#released;
  }

  /** Returns true after the backoff, false as soon as the waits are ended. */
  wait(attempts: number): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      resolve(true);
    }, this.#backoff(attempts));
    this.#pending.set(timer, resolve);
    return promise;
  }

  /** Like `wait`, and releases the event's slot to another event meanwhile. */
  async waitWithoutSlot(attempts: number): Promise<boolean> {
    this.#released += 1;
    this.#options.onSlotReleased();
    const mayRetry = await this.wait(attempts);
    this.#released -= 1;
    return mayRetry;
  }

  /** Ends all waits, now and from now on. */
  end(): void {
    this.#isEnded = true;
    for (const [timer, resolve] of this.#pending) {
      clearTimeout(timer);
      resolve(false);
    }
    this.#pending.clear();
  }

  #backoff(attempts: number): number {
    const { backoffMs } = this.#options;
    return backoffMs[Math.min(attempts, backoffMs.length) - 1] ?? 1000;
  }
}

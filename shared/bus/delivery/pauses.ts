/** Waits that can be ended together. */
export class Pauses {
  readonly #running = new Map<NodeJS.Timeout, (isOver: boolean) => void>();
  #isEnded = false;

  /** True when the time is over; false at once when all waits are ended, now or before. */
  wait(ms: number): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#running.delete(timer);
        resolve(true);
      }, ms);
      this.#running.set(timer, resolve);
    });
  }

  end(): void {
    this.#isEnded = true;
    for (const [timer, resume] of this.#running) {
      clearTimeout(timer);
      resume(false);
    }
    this.#running.clear();
  }
}

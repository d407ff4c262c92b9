import type { TimeSlice } from "../pacing/time-slice.ts";

/** The gate that `fsync { lock: true }` closes: writes in progress end, later ones wait until it opens. */
export class WriteGate {
  #lockCount = 0;
  #active = 0;
  #waiting = 0;
  #opened = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();

  get lockCount(): number {
    return this.#lockCount;
  }

  /** Number of writes that wait for the gate. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Enters unless the gate is closed (false). Each write that enters must {@link leave}. */
  tryEnter(): boolean {
    if (this.#lockCount > 0) return false;
    this.#active += 1;
    return true;
  }

  /** @throws CommandFault 50 once the slice's deadline has passed */
  async enter(slice: TimeSlice): Promise<void> {
    this.#waiting += 1;
    try {
      while (!this.tryEnter()) await slice.wait(this.#opened.promise);
    } finally {
      this.#waiting -= 1;
    }
  }

  leave(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }

  /**
   * Adds a lock, and resolves when no write is in progress.
   * @throws CommandFault 50 once the slice's deadline has passed: this lock is removed then
   */
  async lock(slice: TimeSlice): Promise<void> {
    this.#lockCount += 1;
    try {
      while (this.#active > 0) await slice.wait(this.#emptied.promise);
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  /** Removes one lock; the gate opens with the last one. */
  unlock(): void {
    this.#lockCount -= 1;
    if (this.#lockCount > 0) return;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }
}

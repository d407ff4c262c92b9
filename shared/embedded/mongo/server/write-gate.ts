import type { TimeSlice } from "../pacing/time-slice.ts";

/** What `fsync { lock: true }` closes: writes under way end, later ones wait until it is open again. */
export class WriteGate {
  #lockCount = 0;
  #active = 0;
  #waiting = 0;
  #opened = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();

  get lockCount(): number {
    return this.#lockCount;
  }

  /** How many writes wait for the gate to open. */
  get waiting(): number {
    return this.#waiting;
  }

  /** False while the gate is closed; each write that enters must {@link leave}. */
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
   * Closes the gate once more, and resolves when no write is under way.
   * @throws CommandFault 50 once the slice's deadline has passed: it is open again then, unless others have closed it
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

  /** Takes back one lock; with the last one the gate opens. */
  unlock(): void {
    this.#lockCount -= 1;
    if (this.#lockCount > 0) return;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }
}

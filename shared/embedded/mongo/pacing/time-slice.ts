import { performance } from "node:perf_hooks";
import { CommandFault } from "../bson/fault.ts";
import { longStep } from "./long-step.ts";
import type { Pace } from "./pace.ts";

const SLICE_MS = 8;
/** Reading the clock takes 40 ns. Steps vary: one may decode a document of a megabyte. */
const STEPS_PER_CLOCK_CHECK = 8;

/** Divides long work into slices, so that other clients are served in between, and ends it at its deadline. */
export class TimeSlice implements Pace {
  readonly #deadline: number;
  #steps = 0;
  #end = performance.now() + SLICE_MS;

  /** @param maxTimeMs 0 for no limit, as in the command option `maxTimeMS` */
  constructor(maxTimeMs = 0) {
    this.#deadline = maxTimeMs > 0 ? performance.now() + maxTimeMs : Number.POSITIVE_INFINITY;
  }

  /** Returns true when it is time to `pause`. Call it after each small step. */
  isOver(): boolean {
    this.#steps += 1;
    if (this.#steps % STEPS_PER_CLOCK_CHECK !== 0 && !longStep.isReported) return false;
    longStep.isReported = false;
    return performance.now() >= this.#end;
  }

  /** @throws CommandFault 50 once the deadline has passed */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.requireTime();
    this.#end = performance.now() + SLICE_MS;
  }

  /** @throws CommandFault 50 once the deadline has passed */
  requireTime(): void {
    if (performance.now() > this.#deadline) throw new CommandFault(50, "operation exceeded time limit");
  }

  /** Waits for an event, at most until the deadline. */
  async wait(event: Promise<unknown>): Promise<void> {
    if (this.#deadline === Number.POSITIVE_INFINITY) {
      await event;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, this.#deadline - performance.now()));
    await Promise.race([event, promise]);
    clearTimeout(timer);
    this.requireTime();
  }
}

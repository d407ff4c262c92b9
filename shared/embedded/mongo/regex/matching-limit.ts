import { CommandFault } from "../bson/fault.ts";
import { longStep } from "../pacing/long-step.ts";

/** About 1 ms. */
const SLOW_STEPS = 10_000;

/** Limits the steps of one match, so that none blocks other clients for long. */
export class StepLimit {
  readonly #most: number;
  #left: number;

  constructor(most: number) {
    this.#most = most;
    this.#left = most;
  }

  /** @throws CommandFault 51156, as in MongoDB for a match that exceeds PCRE's limit */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) {
      if (this.#left < this.#most - SLOW_STEPS) longStep.isReported = true;
      return;
    }
    throw new CommandFault(
      51156,
      `Error occurred while executing the regular expression: it takes more than ${this.#most} steps; ` +
        "nested repetitions, or references and look-arounds with repetitions, are the usual cause",
    );
  }
}

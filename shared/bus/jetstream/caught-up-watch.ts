import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { JetStreamConnection } from "./connection.ts";
import { newestOf } from "./progress.ts";
import { STREAM } from "./streams.ts";

interface Waiting {
  readonly deadline: number;
  readonly resolve: (isFinished: boolean) => void;
  /** The consumer's newest event when it began to wait; not known at first. */
  newest: number | undefined;
}

export interface CaughtUpWatchOptions {
  /** Of the durable consumer. */
  readonly name: string;
  /** What it consumes. */
  readonly subject: string;
  readonly connection: JetStreamConnection;
  readonly logger: Log;
}

const POLL_MS = 50;

/**
 * Watches one durable consumer until it is done with the events that the stream had for it; asks once for all who wait.
 * Counts on the ack floor alone, as the server's count of what is pending is known to drift.
 */
export class CaughtUpWatch {
  readonly #options: CaughtUpWatchOptions;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(options: CaughtUpWatchOptions) {
    this.#options = options;
  }

  /** True once the consumer has settled everything; false where it has not within the limit. */
  hasCaughtUp(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ deadline: performance.now() + limitMs, resolve, newest: undefined });
      if (!this.#isAsking) void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const { name, logger } = this.#options;
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const floor = await this.#floorFor([...this.#waiting]).catch((error) => {
        const fields = { consumer: name, reason: errorMessage(error) };
        logger.warn(fields, "the progress of a consumer cannot be read");
        return -1;
      });
      const now = performance.now();
      this.#waiting = this.#waiting.filter(({ newest = Number.POSITIVE_INFINITY, deadline, resolve }) => {
        if (newest > floor && deadline > now) return true;
        resolve(newest <= floor);
        return false;
      });
      if (this.#waiting.length > 0) await delay(POLL_MS);
    }
    this.#isAsking = false;
  }

  /**
   * Up to which sequence everything is settled. The newest event is asked for first, and once: under steady traffic
   * something is always on its way, and what comes later concerns nobody who waits.
   */
  async #floorFor(waiting: readonly Waiting[]): Promise<number> {
    const { name, subject, connection } = this.#options;
    const { manager } = connection;
    const fresh = waiting.filter(({ newest }) => newest === undefined);
    if (fresh.length > 0) {
      const newest = await newestOf(manager, subject);
      for (const one of fresh) one.newest = newest;
    }
    return (await manager.consumers.info(STREAM, name)).ack_floor.stream_seq;
  }
}

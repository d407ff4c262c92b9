import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { JetStreamConnection } from "./connection.ts";
import { newestOf } from "./progress.ts";
import { STREAM } from "./streams.ts";

interface Waiter {
  readonly deadline: number;
  readonly resolve: (hasCaughtUp: boolean) => void;
  /** Sequence of the consumer's newest event when the wait began; undefined until it is read. */
  newest: number | undefined;
}

export interface CaughtUpWatchOptions {
  /** Name of the durable consumer. */
  readonly name: string;
  /** Subject that it consumes. */
  readonly subject: string;
  readonly connection: JetStreamConnection;
  readonly logger: Log;
}

const POLL_MS = 50;

/**
 * Waits until one durable consumer has handled the events that the stream had for it; polls once for all waiters. Uses
 * the ack floor only, because the server's pending count is known to drift.
 */
export class CaughtUpWatch {
  readonly #options: CaughtUpWatchOptions;
  #waiters: Waiter[] = [];
  #isPolling = false;

  constructor(options: CaughtUpWatchOptions) {
    this.#options = options;
  }

  /** Returns true once the consumer has handled everything, false when it has not within the limit. */
  hasCaughtUp(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiters.push({ deadline: performance.now() + limitMs, resolve, newest: undefined });
      if (!this.#isPolling) void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    const { name, logger } = this.#options;
    this.#isPolling = true;
    while (this.#waiters.length > 0) {
      const floor = await this.#floorFor([...this.#waiters]).catch((error) => {
        const fields = { consumer: name, reason: errorMessage(error) };
        logger.warn(fields, "the progress of a consumer cannot be read");
        return -1;
      });
      this.#resolveUpTo(floor);
      if (this.#waiters.length > 0) await delay(POLL_MS);
    }
    this.#isPolling = false;
  }

  #resolveUpTo(floor: number): void {
    const now = performance.now();
    this.#waiters = this.#waiters.filter(({ newest = Number.POSITIVE_INFINITY, deadline, resolve }) => {
      if (newest > floor && deadline > now) return true;
      resolve(newest <= floor);
      return false;
    });
  }

  /**
   * Returns the sequence up to which everything is handled. The newest event is read first, and once per waiter: under
   * steady traffic some event is always in flight, and later ones do not matter to this waiter.
   */
  async #floorFor(waiters: readonly Waiter[]): Promise<number> {
    const { name, subject, connection } = this.#options;
    const { manager } = connection;
    const fresh = waiters.filter(({ newest }) => newest === undefined);
    if (fresh.length > 0) {
      const newest = await newestOf(manager, subject);
      for (const waiter of fresh) waiter.newest = newest;
    }
    return (await manager.consumers.info(STREAM, name)).ack_floor.stream_seq;
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { JetStreamConnection } from "./jetstream-connection.ts";
import { progressOf } from "./jetstream-progress.ts";
import { STREAM } from "./jetstream-stream.ts";

interface Waiting {
  readonly deadline: number;
  readonly resolve: (isSettled: boolean) => void;
  /** The newest sequence of the stream when it began to wait; not known at first. */
  last: number | undefined;
}

const POLL_MS = 50;

/** Watches one durable consumer until it is done with what the stream held; asks once for all who wait. */
export class SettledWatch {
  readonly #name: string;
  readonly #connection: JetStreamConnection;
  readonly #logger: Log;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(name: string, { connection, logger }: { connection: JetStreamConnection; logger: Log }) {
    this.#name = name;
    this.#connection = connection;
    this.#logger = logger;
  }

  /** True once the consumer has settled everything; false where it has not within the limit. */
  settled(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ deadline: performance.now() + limitMs, resolve, last: undefined });
      if (!this.#isAsking) void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const floor = await this.#floorFor([...this.#waiting]).catch((error) => {
        const fields = { consumer: this.#name, reason: errorMessage(error) };
        this.#logger.warn(fields, "the progress of a consumer cannot be read");
        return 0;
      });
      const now = performance.now();
      this.#waiting = this.#waiting.filter(({ last = Number.POSITIVE_INFINITY, deadline, resolve }) => {
        if (last > floor && deadline > now) return true;
        resolve(last <= floor);
        return false;
      });
      if (this.#waiting.length > 0) await delay(POLL_MS);
    }
    this.#isAsking = false;
  }

  /** Up to which sequence everything is settled. The stream is asked first: what it gets later is nobody's concern. */
  async #floorFor(waiting: readonly Waiting[]): Promise<number> {
    const { manager } = this.#connection;
    const { state } = await manager.streams.info(STREAM);
    for (const one of waiting) one.last ??= state.last_seq;
    const info = await manager.consumers.info(STREAM, this.#name);
    return (await progressOf(manager, info, state.last_seq)).handled;
  }
}

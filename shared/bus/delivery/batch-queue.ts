import { Fifo } from "../../fifo.ts";
import type { BatchOptions } from "../bus.ts";
import type { InFlightEvent } from "./in-flight-event.ts";

/** Events that wait for their handler, in batches. Without batch options, each event is a batch of its own. */
export class BatchQueue {
  readonly #maxSize: number;
  readonly #lingerMs: number;
  readonly #onLingered: () => void;
  readonly #events = new Fifo<InFlightEvent>();
  #linger: NodeJS.Timeout | undefined;

  /** `onLingered`: an incomplete batch has waited long enough, so that `take` returns it. */
  constructor(batch: BatchOptions | undefined, onLingered: () => void) {
    this.#maxSize = batch?.maxSize ?? 1;
    this.#lingerMs = batch?.lingerMs ?? 0;
    this.#onLingered = onLingered;
  }

  push(event: InFlightEvent): void {
    this.#events.push(event);
  }

  /** Adds an event that failed before: it is delivered next, and alone. */
  pushRetry(event: InFlightEvent): void {
    this.#events.putFirst([event]);
  }

  /** Removes and returns the next batch; undefined while there is none, or it waits for more events. */
  take(): InFlightEvent[] | undefined {
    const first = this.#events.first();
    if (!first) return undefined;
    if (this.#maxSize === 1 || first.failures > 0) return this.#events.take(1);
    const size = Math.min(this.#maxSize, this.#events.size);
    const remainingMs = this.#lingerMs - (performance.now() - first.arrivedAt);
    if (size === this.#maxSize || remainingMs <= 0) return this.#events.take(size);
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined;
      this.#onLingered();
    }, Math.ceil(remainingMs));
    return undefined;
  }

  /** Removes and returns everything that waits. */
  close(): Iterable<InFlightEvent> {
    clearTimeout(this.#linger);
    return this.#events.drain();
  }
}

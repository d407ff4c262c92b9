import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { Fifo } from "../fifo.ts";
import { eventIdTime } from "../ids.ts";
import { type Checkpoint, checkpointOf } from "./outbox-position.ts";

/** An event to be sent. */
export interface Entry {
  readonly event: DomainEnvelope;
  readonly resent: boolean;
  /** When it was queued (ms since the epoch). */
  readonly queuedAt: number;
  /** Set for an event adopted from another writer, which our checkpoint does not cover. */
  readonly onAccepted?: (() => void) | undefined;
}

export interface QueuedEvents {
  readonly resent: boolean;
  readonly now: number;
}

/**
 * An event that waited for longer may have been sent by a successor meanwhile. The bus recognises a repeated id for two
 * minutes only, so such an event is sent as a repetition.
 */
const FRESH_MS = 30_000;

/**
 * The events of an outbox on their way to the bus: waiting, being sent, refused by the bus and waiting to be sent
 * again. Knows no timer and no bus.
 */
export class SendQueue {
  readonly #waiting = new Fifo<Entry>();
  #refused: Entry[] = [];
  #sending = 0;
  /** Our events that the bus has not accepted, in the order of their commits. */
  readonly #unaccepted = new Set<string>();
  #highWater = "";

  /** Events that wait to be sent. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Events committed and not accepted by the bus. */
  get pending(): number {
    return this.#unaccepted.size + this.#refused.length;
  }

  /** When the oldest event that the bus has not accepted was made (ms since the epoch); undefined if there is none. */
  get oldestAt(): number | undefined {
    const [oldest] = this.#unaccepted;
    return oldest === undefined ? undefined : eventIdTime(oldest);
  }

  /** The id that the first checkpoint starts from. */
  startAt(id: string): void {
    this.#highWater = id;
  }

  /** Adds our own events, in the order of their commits. */
  add(events: readonly DomainEnvelope[], { resent, now }: QueuedEvents): void {
    for (const event of events) {
      this.#unaccepted.add(event.id);
      if (event.id > this.#highWater) this.#highWater = event.id;
      this.#waiting.push({ event, resent, queuedAt: now });
    }
  }

  /** Adds events of another writer. */
  adopt(events: readonly DomainEnvelope[], onAccepted: () => void): void {
    for (const event of events) this.#waiting.push({ event, resent: true, queuedAt: 0, onAccepted });
  }

  /** Takes the next event to be sent; undefined if none waits or `window` events are being sent. */
  take(now: number, window: number): Entry | undefined {
    if (this.#sending >= window) return undefined;
    const entry = this.#waiting.shift();
    if (!entry) return undefined;
    this.#sending += 1;
    return entry.resent || now - entry.queuedAt <= FRESH_MS ? entry : { ...entry, resent: true };
  }

  /** The bus has accepted the event. */
  accepted({ event, onAccepted }: Entry): void {
    this.#sending -= 1;
    this.#unaccepted.delete(event.id);
    onAccepted?.();
  }

  /** The bus has refused the event: it is sent again once `requeueRefused` is called. */
  refused(entry: Entry): void {
    this.#sending -= 1;
    this.#refused.push({ ...entry, resent: true });
  }

  /** The bus can never accept the event. It stays unaccepted, so that every checkpoint names it. */
  setAside(): void {
    this.#sending -= 1;
  }

  /** Puts the refused events in front of all others, in their old order. */
  requeueRefused(): void {
    this.#waiting.putFirst(this.#refused.sort(byId));
    this.#refused = [];
  }

  /** Puts all waiting events in the order of their commits. */
  sort(): void {
    for (const entry of this.#waiting.drain().sort(byId)) this.#waiting.push(entry);
  }

  checkpoint(openFloors: Iterable<string>): Checkpoint {
    return checkpointOf({ highWater: this.#highWater, openFloors, unaccepted: this.#unaccepted });
  }
}

/** Ids of one writer ascend in the order of its commits. */
const byId = (a: Entry, b: Entry): number => (a.event.id < b.event.id ? -1 : 1);

import type { DomainEnvelope } from "../../contracts/catalogue.ts";
import type { Delivery } from "../bus.ts";

/** How an event's stay with a worker ended: `done` (handled, or its dead letter is stored) or given back. */
export type DeliveryResult = "handled" | "requeued";

/** An event as an adapter got it from its queue. */
export interface Received {
  readonly body: unknown;
  /** Its place in the adapter's queue: names it where the body has no id. */
  readonly position: string;
  /** How often the queue has handed it out, this time included. */
  readonly count: number;
  readonly resent: boolean;
  /** See `Delivery.lapsedAt`. */
  readonly lapsedAt: number;
  /** Called once. */
  finish(result: DeliveryResult): void;
}

/** A valid event in a worker's hands; is its own `Delivery`, which saves an object for each try. */
export class InFlightEvent implements Delivery {
  readonly event: DomainEnvelope;
  readonly received: Received;
  readonly stopping: AbortSignal;
  readonly arrivedAt = performance.now();
  /** The same event received again meanwhile: shares this one's outcome. */
  twins: Received[] | undefined;
  failures = 0;
  tries = 0;
  isFinished = false;

  constructor(received: Received, event: DomainEnvelope, stopping: AbortSignal) {
    this.received = received;
    this.event = event;
    this.stopping = stopping;
  }
  get count(): number {
    return this.received.count + this.tries - 1;
  }
  get lapsedAt(): number {
    return this.received.lapsedAt;
  }
  get resent(): boolean {
    return this.received.resent || this.count > 1;
  }
}

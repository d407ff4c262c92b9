import type { DomainEnvelope, EventPattern } from "../../contracts/catalogue.ts";
import type { Delivery } from "../bus.ts";

/** How a worker finished a delivery: `handled` (or its dead letter is stored), or returned to the group. */
export type DeliveryResult = "handled" | "requeued";

/** One delivery from an adapter's queue. */
export interface Received {
  readonly body: unknown;
  /** Position in the adapter's queue; identifies a body without an id. */
  readonly position: string;
  /** How often the queue has delivered it, including this time. */
  readonly count: number;
  readonly resent: boolean;
  /** See `Delivery.lapsedAt`. */
  readonly lapsedAt: number;
  /**
   * Returns the body as a checked event of the channel.
   * @throws `EVENT_INVALID`, `CONTRACT_VIOLATION`
   */
  event(pattern: EventPattern): DomainEnvelope;
  /** Called exactly once. */
  finish(result: DeliveryResult): void;
}

/** A valid event that a worker has received and not finished. It is its own `Delivery`, which saves an object per attempt. */
export class InFlightEvent implements Delivery {
  readonly event: DomainEnvelope;
  readonly received: Received;
  readonly stopping: AbortSignal;
  readonly arrivedAt = performance.now();
  /** Further deliveries of the same event; they share its result. */
  duplicates: Received[] | undefined;
  /** Failures that count towards `maxDeliver`. */
  failures = 0;
  attempts = 0;
  isFinished = false;

  constructor(received: Received, event: DomainEnvelope, stopping: AbortSignal) {
    this.received = received;
    this.event = event;
    this.stopping = stopping;
  }
  addDuplicate(received: Received): void {
    this.duplicates ??= [];
    this.duplicates.push(received);
  }
  get count(): number {
    return this.received.count + this.attempts - 1;
  }
  get lapsedAt(): number {
    return this.received.lapsedAt;
  }
  get resent(): boolean {
    return this.received.resent || this.count > 1;
  }
}

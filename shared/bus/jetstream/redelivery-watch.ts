/**
 * Whether the server may have handed the messages of one member to another one: it does after `ackWaitMs` without a
 * sign of life. A member that is cut off cannot see that happen, so it counts from the last sign that was confirmed.
 */
export class RedeliveryWatch {
  readonly #ackWaitMs: number;
  #provenAt = performance.now();
  #lapsedAt = Number.NEGATIVE_INFINITY;

  constructor(ackWaitMs: number) {
    this.#ackWaitMs = ackWaitMs;
  }

  /**
   * The server has processed what was sent to it up to `sentAt`, signs of life for all messages included. When is not
   * known: at some time between then and now, as a connection may have been silent with the signs on it.
   */
  proven(sentAt: number): void {
    const now = performance.now();
    if (now - this.#provenAt > this.#ackWaitMs) this.#lapsedAt = now;
    this.#provenAt = Math.max(this.#provenAt, sentAt);
  }

  /** When a message that was received at `receivedAt` may last have gone to another member; see `Delivery`. */
  lapsedAt(receivedAt: number): number {
    if (receivedAt <= this.#lapsedAt) return this.#lapsedAt;
    const now = performance.now();
    const silent = now - Math.max(receivedAt, this.#provenAt);
    return silent > this.#ackWaitMs ? now : Number.NEGATIVE_INFINITY;
  }
}

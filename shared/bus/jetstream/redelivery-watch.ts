/**
 * Whether the server may have redelivered the messages of one member to another member, which it does after `ackWaitMs`
 * without a sign of life. A disconnected member cannot observe that, so it counts from its last confirmed sign of life.
 */
export class RedeliveryWatch {
  readonly #ackWaitMs: number;
  #confirmedAt = performance.now();
  #lapsedAt = Number.NEGATIVE_INFINITY;

  constructor(ackWaitMs: number) {
    this.#ackWaitMs = ackWaitMs;
  }

  /**
   * The server has processed everything that was sent up to `sentAt`, including the signs of life of all messages. The
   * time of processing is unknown: between `sentAt` and now, because the connection may have been stalled.
   */
  confirmed(sentAt: number): void {
    const now = performance.now();
    if (now - this.#confirmedAt > this.#ackWaitMs) this.#lapsedAt = now;
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt);
  }

  /** Returns when a message received at `receivedAt` may last have been redelivered to another member; see `Delivery`. */
  lapsedAt(receivedAt: number): number {
    if (receivedAt <= this.#lapsedAt) return this.#lapsedAt;
    const now = performance.now();
    const unconfirmedMs = now - Math.max(receivedAt, this.#confirmedAt);
    return unconfirmedMs > this.#ackWaitMs ? now : Number.NEGATIVE_INFINITY;
  }
}

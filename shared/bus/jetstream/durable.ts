import { AckPolicy, type ConsumerInfo, DeliverPolicy, nanos } from "nats";
import type { Subscription } from "../bus.ts";
import type { JetStreamConnection } from "./connection.ts";
import { apiErrorCode, apiErrors, durableOf, STREAM, subjectOf } from "./streams.ts";

export interface DurablePort {
  readonly connection: JetStreamConnection;
  /** Creates the streams again if they were deleted. */
  ensureStreams(): Promise<void>;
}

/** The durable pull consumer of the stream KINIT that belongs to a group and pattern. */
export class Durable {
  readonly name: string;
  readonly #subscription: Subscription;
  readonly #port: DurablePort;
  #streamCreated = "";

  constructor(subscription: Subscription, port: DurablePort) {
    this.name = durableOf(subscription.group, subscription.pattern);
    this.#subscription = subscription;
    this.#port = port;
  }

  /**
   * Finds the consumer or creates it. A new group, or a group of a new stream, starts with the oldest stored event; a
   * consumer that was seen before and was deleted continues at `next`, the first unhandled sequence.
   * Returns true if the stream was created again since the last call, so that its sequences start at 1.
   */
  async ensure(next: number): Promise<boolean> {
    const { manager } = this.#port.connection;
    const info = await this.#find();
    if (!info) await this.#port.ensureStreams();
    const { created } = await manager.streams.info(STREAM);
    const isNewStream = this.#streamCreated !== "" && this.#streamCreated !== created;
    this.#streamCreated = created;
    const ackWait = nanos(this.#subscription.ackWaitMs);
    if (!info) await this.#create(ackWait, isNewStream ? 1 : next);
    else if (info.config.ack_wait !== ackWait)
      await manager.consumers.update(STREAM, this.name, { ...info.config, ack_wait: ackWait });
    return isNewStream;
  }

  /**
   * Makes the server drop pull requests of members that have left. Until then (seen with 2.9.10) such a request consumes
   * the next redelivery, which is repeated only after another ack wait. Reading the consumer's state has this effect
   * and no other.
   */
  async dropStaleRequests(): Promise<void> {
    if (this.#port.connection.isConnected) await this.#find().catch(() => undefined);
  }

  async #find(): Promise<ConsumerInfo | undefined> {
    try {
      return await this.#port.connection.manager.consumers.info(STREAM, this.name);
    } catch (error) {
      const code = apiErrorCode(error);
      if (code === apiErrors.consumerNotFound || code === apiErrors.streamNotFound) return undefined;
      throw error;
    }
  }

  async #create(ackWait: number, next: number): Promise<void> {
    await this.#port.connection.manager.consumers.add(STREAM, {
      durable_name: this.name,
      filter_subject: subjectOf(this.#subscription.pattern),
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWait,
      // The server's own limit drops the message and sends only a transient notice; the worker counts failures.
      max_deliver: -1,
      // Each member limits itself by what it pulls; a common limit would let one slow member starve the others.
      max_ack_pending: -1,
      ...(next > 1
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next }
        : { deliver_policy: DeliverPolicy.All }),
    });
  }
}

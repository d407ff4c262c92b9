import { AckPolicy, type ConsumerInfo, DeliverPolicy, nanos } from "nats";
import type { Subscription } from "../bus.ts";
import type { JetStreamConnection } from "./connection.ts";
import { apiErrorCode, apiErrors, durableOf, STREAM, subjectOf } from "./streams.ts";

export interface DurablePort {
  readonly connection: JetStreamConnection;
  /** Makes sure that the streams exist; they may have been deleted. */
  ensureStreams(): Promise<void>;
}

/** The server's side of a group and pattern: a durable pull consumer of the stream KINIT. */
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
   * Finds the consumer or creates it. A group that is new, or whose stream is, gets everything that the stream keeps;
   * one that was seen before and is gone goes on at `next`, the first sequence that is not settled.
   * True when the stream was made anew since the last call, and so counts from 1 again.
   */
  async ensure(next: number): Promise<boolean> {
    const { manager } = this.#port.connection;
    const info = await this.#find();
    if (!info) await this.#port.ensureStreams();
    const { created } = await manager.streams.info(STREAM);
    const isAnew = this.#streamCreated !== "" && this.#streamCreated !== created;
    this.#streamCreated = created;
    const ackWait = nanos(this.#subscription.ackWaitMs);
    if (!info) await this.#create(ackWait, isAnew ? 1 : next);
    else if (info.config.ack_wait !== ackWait)
      await manager.consumers.update(STREAM, this.name, { ...info.config, ack_wait: ackWait });
    return isAnew;
  }

  /**
   * Makes the server drop the pull requests of members that are gone. Until then (seen with 2.9.10) such a request
   * swallows the next redelivery, which comes again only after another ack wait. Asking for the consumer's state has
   * this effect and no other.
   */
  async forgetGoneRequests(): Promise<void> {
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
      // The server's own limit drops the message with a volatile notice; failures are counted here.
      max_deliver: -1,
      // Each member bounds itself by what it pulls; a common limit would let one slow member starve the others.
      max_ack_pending: -1,
      ...(next > 1
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next }
        : { deliver_policy: DeliverPolicy.All }),
    });
  }
}

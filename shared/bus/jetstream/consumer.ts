import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg, type Subscription as NatsSubscription } from "nats";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { DeadLetter, Subscription } from "../bus.ts";
import type { DeliveryResult } from "../delivery/in-flight-event.ts";
import { Worker } from "../delivery/worker.ts";
import type { ConnectionListener } from "./connection.ts";
import { Durable, type DurablePort } from "./durable.ts";
import { deliveryInfoOf, InFlightMessage, type MessageOwner } from "./message.ts";
import { PULL_HEARTBEAT_MS, PullRequests } from "./pull-requests.ts";
import { RedeliveryWatch } from "./redelivery-watch.ts";

export interface ConsumerPort extends DurablePort {
  readonly logger: Log;
  deadLetter(letter: DeadLetter): Promise<void>;
}

/** The server reports a deleted consumer before it can no longer be found; a lookup in between would mislead. */
const DELETION_DELAY_MS = 100;
const LEAVE_LIMIT_MS = 2000;
const RESTORE_BACKOFF_MS = { first: 50, max: 5000 } as const;
const encoder = new TextEncoder();
const replies = {
  handled: encoder.encode("+ACK"),
  requeued: encoder.encode("-NAK"),
  working: encoder.encode("+WPI"),
} as const;

/**
 * One member of a durable pull consumer. It pulls as many messages as the worker has room for (the library's
 * `consume()` ignores unhandled messages) and extends the ack wait of every message in flight.
 */
export class JetStreamConsumer implements ConnectionListener, MessageOwner {
  readonly redelivery: RedeliveryWatch;
  readonly #port: ConsumerPort;
  readonly #durable: Durable;
  readonly #worker: Worker;
  readonly #pulls: PullRequests;
  readonly #inbox = createInbox();
  readonly #workingMs: number;
  readonly #inFlight = new Map<number, InFlightMessage>();
  #messages: NatsSubscription | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #lastWorkingSign = 0;
  #lastSequence = 0;
  #hasLeft = false;
  /** Messages to requeue once this member has left. */
  readonly #requeueOnLeave: string[] = [];
  #isStopping = false;
  #isRestoring = false;

  constructor(subscription: Subscription, port: ConsumerPort) {
    this.#port = port;
    this.#durable = new Durable(subscription, port);
    this.#workingMs = subscription.ackWaitMs / 3;
    this.redelivery = new RedeliveryWatch(subscription.ackWaitMs);
    this.#worker = new Worker(subscription, {
      deadLetter: (letter) => port.deadLetter(letter),
      onRoom: () => this.#pulls.pullSoon(),
      logger: port.logger,
    });
    this.#pulls = new PullRequests({
      consumer: this.#durable.name,
      inbox: this.#inbox,
      maxInFlight: subscription.maxInFlight,
      connection: () => (this.#isStopping || !this.isReady ? undefined : port.connection.nats),
      room: () => this.#worker.room,
    });
  }

  /** True while events can be received. */
  get isReady(): boolean {
    return !this.#isRestoring && this.#port.connection.isConnected;
  }

  async start(): Promise<void> {
    const { connection, logger } = this.#port;
    await this.#ensureDurable();
    this.#messages = connection.nats.subscribe(this.#inbox, {
      callback: (error, message) => {
        const fields = { consumer: this.#durable.name, reason: error?.message };
        if (error) logger.error(fields, "a consumer may not receive");
        else this.#onMessage(message);
      },
    });
    this.#heartbeat = setInterval(() => this.#onHeartbeat(), Math.min(this.#workingMs, PULL_HEARTBEAT_MS));
    connection.listen(this);
    this.#pulls.pull();
  }

  /** Never rejects; see `SubscriptionHandle.stop`. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    this.#port.connection.unlisten(this);
    await Promise.all([this.#leave(), this.#worker.stop(limitMs)]);
    clearInterval(this.#heartbeat);
    await this.#port.connection.flush();
  }

  /**
   * Leaves the consumer, then requeues its messages: requeued earlier, they would be redelivered to this member, because
   * a pull request can be cancelled only by closing its inbox.
   */
  async #leave(): Promise<void> {
    if (this.#port.connection.isConnected)
      await Promise.race([this.#messages?.drain(), delay(LEAVE_LIMIT_MS, undefined, { ref: false })]).catch(
        () => {},
      );
    await this.#durable.dropStaleRequests();
    this.#hasLeft = true;
    for (const reply of this.#requeueOnLeave) this.#acknowledge(reply, replies.requeued);
    this.#requeueOnLeave.length = 0;
  }

  onDisconnect(): void {
    this.#pulls.reset();
  }

  onReconnect(): void {
    void this.#restore();
  }

  #onMessage(message: Msg): void {
    if (message.subject === this.#inbox) {
      this.#onStatus(message);
      return;
    }
    this.#pulls.received();
    const reply = message.reply as string;
    const { sequence } = deliveryInfoOf(reply);
    const known = this.#inFlight.get(sequence);
    if (known) known.reply = reply;
    else if (this.#isStopping) this.#requeue(reply);
    else this.#receive(message, reply, sequence);
  }

  #onStatus(message: Msg): void {
    const status = this.#pulls.statusOf(message);
    if (this.#isStopping) return;
    if (status === "expired") this.#pulls.pullSoon();
    else if (status === "broken") void this.#restore(DELETION_DELAY_MS);
  }

  #receive(message: Msg, reply: string, sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    const received = new InFlightMessage(message, reply, this);
    this.#inFlight.set(sequence, received);
    this.#worker.accept(received);
    if (this.#pulls.isIdle) this.#pulls.pullSoon();
  }

  finish(message: InFlightMessage, result: DeliveryResult): void {
    const { sequence } = message;
    if (this.#inFlight.get(sequence) === message) this.#inFlight.delete(sequence);
    if (result === "handled") this.#acknowledge(message.reply, replies.handled);
    else this.#requeue(message.reply);
  }

  #requeue(reply: string): void {
    if (this.#isStopping && !this.#hasLeft) this.#requeueOnLeave.push(reply);
    else this.#acknowledge(reply, replies.requeued);
  }

  /** Without a connection the acknowledgement is lost, and the server redelivers the message. */
  #acknowledge(reply: string, acknowledgement: Uint8Array): void {
    const { connection } = this.#port;
    if (connection.isConnected) connection.nats.publish(reply, acknowledgement);
  }

  #onHeartbeat(): void {
    const now = performance.now();
    if (now - this.#lastWorkingSign >= this.#workingMs * 0.9) {
      this.#lastWorkingSign = now;
      for (const { reply } of this.#inFlight.values()) this.#acknowledge(reply, replies.working);
      this.#confirmWorkingSigns(now);
    }
    if (this.#pulls.isStalled(now)) void this.#restore();
  }

  /** The server processes messages in order: once the flush returns, it has processed the signs sent before it. */
  #confirmWorkingSigns(sentAt: number): void {
    const { nats, isConnected } = this.#port.connection;
    if (!isConnected) return;
    nats.flush().then(
      () => this.redelivery.confirmed(sentAt),
      // The connection broke; the next heartbeat tries again.
      () => {},
    );
  }

  /** Finds or creates the consumer again, retrying without limit, and pulls again. */
  async #restore(waitMs = 0): Promise<void> {
    if (this.#isRestoring) return;
    this.#isRestoring = true;
    await delay(waitMs, undefined, { ref: false });
    const { first, max } = RESTORE_BACKOFF_MS;
    for (let backoff: number = first; !this.#isStopping; backoff = Math.min(backoff * 2, max)) {
      if (!this.#port.connection.isConnected || (await this.#tryToRestore())) break;
      await delay(backoff, undefined, { ref: false });
    }
    this.#isRestoring = false;
    this.#pulls.reset();
    this.#pulls.pull();
  }

  async #tryToRestore(): Promise<boolean> {
    try {
      await this.#ensureDurable();
      return true;
    } catch (error) {
      const fields = { consumer: this.#durable.name, reason: errorMessage(error) };
      this.#port.logger.warn(fields, "a consumer cannot be restored yet");
      return false;
    }
  }

  async #ensureDurable(): Promise<void> {
    const next = Math.min(this.#lastSequence + 1, ...this.#inFlight.keys());
    if (!(await this.#durable.ensure(next))) return;
    // Messages in flight must not be confused with those of the new stream.
    this.#lastSequence = 0;
    this.#inFlight.clear();
  }
}

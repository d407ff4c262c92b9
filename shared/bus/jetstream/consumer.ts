import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg, type Subscription as NatsSubscription, nanos } from "nats";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { DeadLetter, Subscription } from "../bus.ts";
import type { DeliveryResult } from "../delivery/in-flight-event.ts";
import { Worker } from "../delivery/worker.ts";
import type { ConnectionListener } from "./connection.ts";
import { Durable, type DurablePort } from "./durable.ts";
import { deliveryInfoOf, InFlightMessage, type MessageOwner } from "./message.ts";
import { RedeliveryWatch } from "./redelivery-watch.ts";
import { STREAM } from "./streams.ts";

export interface ConsumerPort extends DurablePort {
  readonly logger: Log;
  deadLetter(letter: DeadLetter): Promise<void>;
}

/** A pull request that is not served ends after this, and is made again. */
const PULL_EXPIRES_MS = 30_000;
/** The server says at this pace that a pull request still stands. */
const PULL_HEARTBEAT_MS = 2000;
/** The server says that a consumer is gone while it still finds it; asked sooner, it would let us wait in vain. */
const GONE_MS = 100;
const encoder = new TextEncoder();
const replies = {
  handled: encoder.encode("+ACK"),
  requeued: encoder.encode("-NAK"),
  working: encoder.encode("+WPI"),
} as const;

/**
 * One member of a durable pull consumer. It pulls what the worker has room for (the library's `consume()` pulls
 * without regard to what is still unhandled) and keeps every message that it holds alive at the server.
 */
export class JetStreamConsumer implements ConnectionListener, MessageOwner {
  readonly redelivery: RedeliveryWatch;
  readonly #subscription: Subscription;
  readonly #port: ConsumerPort;
  readonly #durable: Durable;
  readonly #worker: Worker;
  readonly #inbox = createInbox();
  readonly #workingMs: number;
  readonly #held = new Map<number, InFlightMessage>();
  #messages: NatsSubscription | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #requested = 0;
  /** When the server last said anything. */
  #lastSign = 0;
  #lastWorking = 0;
  #lastSequence = 0;
  #hasLeft = false;
  readonly #returns: string[] = [];
  #isPullDue = false;
  #isStopping = false;
  #isRestoring = false;

  constructor(subscription: Subscription, port: ConsumerPort) {
    this.#subscription = subscription;
    this.#port = port;
    this.#durable = new Durable(subscription, port);
    this.#workingMs = subscription.ackWaitMs / 3;
    this.redelivery = new RedeliveryWatch(subscription.ackWaitMs);
    this.#worker = new Worker(subscription, {
      deadLetter: (letter) => port.deadLetter(letter),
      onRoom: () => this.#pullSoon(),
      logger: port.logger,
    });
  }

  /** True while events can arrive. */
  get isReady(): boolean {
    return !this.#isRestoring && this.#port.connection.isConnected;
  }

  async start(): Promise<void> {
    const { connection } = this.#port;
    await this.#ensure();
    this.#messages = connection.nats.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error)
          this.#port.logger.error(
            { consumer: this.#durable.name, reason: error.message },
            "a consumer may not receive",
          );
        else this.#onMessage(message);
      },
    });
    this.#heartbeat = setInterval(() => this.#beat(), Math.min(this.#workingMs, PULL_HEARTBEAT_MS));
    connection.listen(this);
    this.#pull();
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
   * Withdraws from the consumer, then returns what was handed back meanwhile: returned earlier, it would come to this
   * member again, because a pull request cannot be cancelled but by closing its inbox.
   */
  async #leave(): Promise<void> {
    if (this.#port.connection.isConnected)
      await Promise.race([this.#messages?.drain(), delay(2000, undefined, { ref: false })]).catch(() => {});
    await this.#durable.forgetGoneRequests();
    this.#hasLeft = true;
    for (const reply of this.#returns) this.#answer(reply, replies.requeued);
    this.#returns.length = 0;
  }

  onDisconnect(): void {
    this.#requested = 0;
  }

  onReconnect(): void {
    void this.#restore();
  }

  #onMessage(message: Msg): void {
    this.#lastSign = performance.now();
    if (message.subject === this.#inbox) {
      this.#onStatus(message);
      return;
    }
    this.#requested = Math.max(0, this.#requested - 1);
    const reply = message.reply as string;
    const { sequence } = deliveryInfoOf(reply);
    const known = this.#held.get(sequence);
    if (known) {
      known.reply = reply;
      return;
    }
    if (this.#isStopping) {
      this.#return(reply);
      return;
    }
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    const held = new InFlightMessage(message, reply, this);
    this.#held.set(sequence, held);
    this.#worker.accept(held);
    if (this.#requested === 0) this.#pullSoon();
  }

  finish(message: InFlightMessage, result: DeliveryResult): void {
    const { sequence } = message;
    if (this.#held.get(sequence) === message) this.#held.delete(sequence);
    if (result === "handled") this.#answer(message.reply, replies.handled);
    else this.#return(message.reply);
  }

  #return(reply: string): void {
    if (this.#isStopping && !this.#hasLeft) this.#returns.push(reply);
    else this.#answer(reply, replies.requeued);
  }

  /** Without a connection an answer is lost; the server then hands the message out again. */
  #answer(reply: string, answer: Uint8Array): void {
    if (this.#port.connection.isConnected) this.#port.connection.nats.publish(reply, answer);
  }

  /** What the server says about a pull request: 100 it stands; 408 and 409 it ended, with so many messages undelivered. */
  #onStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    const undelivered = Number(message.headers?.get("Nats-Pending-Messages") || Number.NaN);
    this.#requested = Number.isNaN(undelivered) ? 0 : Math.max(0, this.#requested - undelivered);
    if (this.#isStopping) return;
    if (code === 408) this.#pullSoon();
    else void this.#restore(GONE_MS);
  }

  #pullSoon(): void {
    if (this.#isPullDue) return;
    this.#isPullDue = true;
    // After the settlements of this turn, so that one request asks for all of them.
    setImmediate(() => {
      this.#isPullDue = false;
      this.#pull();
    });
  }

  #pull(): void {
    const { connection } = this.#port;
    if (this.#isStopping || this.#isRestoring || !connection.isConnected) return;
    const wanted = this.#worker.room - this.#requested;
    const worthwhile = this.#requested === 0 ? 1 : Math.ceil(this.#subscription.maxInFlight / 4);
    if (wanted < worthwhile) return;
    this.#requested += wanted;
    this.#lastSign = performance.now();
    const request = {
      batch: wanted,
      expires: nanos(PULL_EXPIRES_MS),
      idle_heartbeat: nanos(PULL_HEARTBEAT_MS),
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${this.#durable.name}`;
    connection.nats.publish(subject, JSON.stringify(request), { reply: this.#inbox });
  }

  #beat(): void {
    const now = performance.now();
    if (now - this.#lastWorking >= this.#workingMs * 0.9) {
      this.#lastWorking = now;
      for (const { reply } of this.#held.values()) this.#answer(reply, replies.working);
      this.#prove(now);
    }
    if (this.#requested > 0 && now - this.#lastSign > 2.5 * PULL_HEARTBEAT_MS) void this.#restore();
  }

  /** The server answers in order: what it says after this, it says knowing that we work. */
  #prove(sentAt: number): void {
    const { nats, isConnected } = this.#port.connection;
    if (!isConnected) return;
    nats.flush().then(
      () => this.redelivery.proven(sentAt),
      // The connection broke; the next beat tries again.
      () => {},
    );
  }

  /** Finds or creates the consumer again, for as long as it takes, and pulls anew. */
  async #restore(waitMs = 0): Promise<void> {
    if (this.#isRestoring) return;
    this.#isRestoring = true;
    await delay(waitMs, undefined, { ref: false });
    for (
      let wait = 50;
      !this.#isStopping && this.#port.connection.isConnected;
      wait = Math.min(wait * 2, 5000)
    ) {
      try {
        await this.#ensure();
        break;
      } catch (error) {
        const fields = { consumer: this.#durable.name, reason: errorMessage(error) };
        this.#port.logger.warn(fields, "a consumer cannot be restored yet");
        await delay(wait, undefined, { ref: false });
      }
    }
    this.#isRestoring = false;
    this.#requested = 0;
    this.#pull();
  }

  async #ensure(): Promise<void> {
    const next = Math.min(this.#lastSequence + 1, ...this.#held.keys());
    if (!(await this.#durable.ensure(next))) return;
    // What is still in hand must not be taken for messages of the new stream.
    this.#lastSequence = 0;
    this.#held.clear();
  }
}

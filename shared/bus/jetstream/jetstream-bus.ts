import { headers } from "nats";
import type { EventPattern } from "../../contracts/catalogue.ts";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import {
  type Backlog,
  type Bus,
  type BusObserver,
  BusUnavailable,
  type DeadLetter,
  type Subscription,
  type SubscriptionHandle,
} from "../bus.ts";
import { backlogsOf, type Group } from "./backlogs.ts";
import { CaughtUpWatch } from "./caught-up-watch.ts";
import { connectJetStream, type JetStreamConnection } from "./connection.ts";
import { JetStreamConsumer } from "./consumer.ts";
import { RESENT_HEADER } from "./message.ts";
import { EventTooLarge, Publisher } from "./publisher.ts";
import { StreamRoom } from "./stream-room.ts";
import {
  type DeadLetterLimits,
  deadSubjectOf,
  durableOf,
  ensureStreams,
  identityOf,
  subjectOf,
} from "./streams.ts";
import { unhandledOf } from "./unhandled-events.ts";

export interface JetStreamBusOptions {
  /** e.g. `nats://127.0.0.1:4222`; several addresses are separated by commas. */
  readonly url: string;
  /** Name of this process in the server's list of connections. */
  readonly name: string;
  readonly logger: Log;
  readonly observer?: BusObserver | undefined;
  /** Size of the event stream from which on new events are rejected; also the limit of the dead letters. */
  readonly maxBytes: number;
  /** Minimum time that events are kept, if there is room; unhandled events are kept at any age. */
  readonly maxAgeMs: number;
  /** Groups, with their patterns, whose events are kept although the groups may not exist yet. */
  readonly audience: Readonly<Record<string, readonly EventPattern[]>>;
  /** How long dead letters are kept; default 90 days. */
  readonly deadMaxAgeMs?: number;
  /** How long a stopping subscription waits for running handlers, in milliseconds; default 20,000. */
  readonly drainMs?: number;
  /** Limit for the stream's confirmation of an event, in milliseconds; default 5,000. */
  readonly publishTimeoutMs?: number;
  /** Unconfirmed events from which on `send` throws `BUS_FULL`; default 16,384. */
  readonly maxUnconfirmed?: number;
  /** How long `start` waits for the server, in milliseconds; default 10,000. */
  readonly startLimitMs?: number;
}

interface Session {
  readonly connection: JetStreamConnection;
  readonly publisher: Publisher;
  readonly room: StreamRoom;
  readonly watches: Map<string, CaughtUpWatch>;
}

const DAY_MS = 86_400_000;
/** For a server that starts at the same time. */
const START_LIMIT_MS = 10_000;
/** Room for the parts of a dead letter other than its event, including headers. */
const LETTER_BYTES = 8192;
/** Characters kept of an event that leaves no room for the rest of its letter; in JSON each may take six bytes. */
const EVENT_CUT = 100_000;

/**
 * The bus over NATS JetStream. Subjects are `kinit.<event type>` in the stream KINIT and `kinit.dead.<group>` in
 * KINIT_DEAD; bodies are CloudEvents in JSON, `Nats-Msg-Id` is the event's id.
 */
export function jetStreamBus(options: JetStreamBusOptions): Bus {
  return new JetStreamBus(options);
}

class JetStreamBus implements Bus {
  readonly #options: JetStreamBusOptions;
  readonly #consumers = new Map<JetStreamConsumer, SubscriptionHandle>();
  /** By the names of their consumers: the audience, and all that have subscribed here. */
  readonly #groups = new Map<string, Group>();
  #session: Session | undefined;
  #ensuring: Promise<void> | undefined;

  constructor(options: JetStreamBusOptions) {
    this.#options = options;
    for (const [group, patterns] of Object.entries(options.audience))
      for (const pattern of patterns) this.#groups.set(durableOf(group, pattern), { group, pattern });
  }

  async start(): Promise<void> {
    const { url, name, logger, maxBytes, maxAgeMs, startLimitMs = START_LIMIT_MS } = this.#options;
    const connection = await connectJetStream({ url, name, logger, startLimitMs });
    const room = new StreamRoom({
      connection,
      logger,
      maxBytes,
      maxAgeMs,
      groups: Object.entries(this.#options.audience).flatMap(([group, patterns]) =>
        patterns.map((pattern) => durableOf(group, pattern)),
      ),
      onLimited: () => ensureStreams(connection.manager, this.#deadLetterLimits),
    });
    try {
      await ensureStreams(connection.manager, this.#deadLetterLimits);
      await room.start();
    } catch (error) {
      await connection.close();
      throw new BusUnavailable(`the streams cannot be set up: ${errorMessage(error)}`, error);
    }
    const publisher = new Publisher(connection, {
      timeoutMs: this.#options.publishTimeoutMs ?? 5000,
      maxUnconfirmed: this.#options.maxUnconfirmed ?? 16_384,
      onStreamMissing: () =>
        this.#ensureStreams().catch((error) =>
          logger.warn({ reason: errorMessage(error) }, "the streams cannot be set up yet"),
        ),
    });
    this.#session = { connection, publisher, room, watches: new Map() };
  }

  async send(event: Parameters<Bus["send"]>[0], { resent = false } = {}): Promise<void> {
    const { connection, publisher, room } = this.#connected;
    const body = Buffer.from(JSON.stringify(event));
    const maxBytes = connection.maxPayload - 2 * LETTER_BYTES;
    if (body.length > maxBytes) throw new EventTooLarge(body.length, maxBytes);
    room.admit(event.type, body.length);
    const head = headers();
    head.set("content-type", "application/cloudevents+json");
    head.set("Nats-Msg-Id", event.id);
    if (resent) head.set(RESENT_HEADER, "1");
    await publisher.publish(subjectOf(event.type), body, head);
    this.#options.observer?.sent(event);
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionHandle> {
    const consumer = new JetStreamConsumer(subscription, {
      connection: this.#connected.connection,
      logger: this.#options.logger,
      deadLetter: (letter) => this.#deadLetter(letter),
      ensureStreams: () => this.#ensureStreams(),
    });
    await consumer.start();
    const { group, pattern } = subscription;
    this.#groups.set(durableOf(group, pattern), { group, pattern });
    const handle = {
      stop: async (limitMs = this.#options.drainMs ?? 20_000) => {
        if (this.#consumers.delete(consumer)) await consumer.stop(limitMs);
      },
    };
    this.#consumers.set(consumer, handle);
    return handle;
  }

  hasCaughtUp(group: string, pattern: EventPattern, limitMs: number): Promise<boolean> {
    const { connection, watches } = this.#connected;
    const { logger } = this.#options;
    const [name, subject] = [durableOf(group, pattern), subjectOf(pattern)];
    const watch = watches.get(name) ?? new CaughtUpWatch({ name, subject, connection, logger });
    watches.set(name, watch);
    return watch.hasCaughtUp(limitMs);
  }

  unhandled(group: string, pattern: EventPattern, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { connection } = this.#connected;
    return orUnavailable(unhandledOf(connection, { group, pattern }, eventIds));
  }

  identity(): Promise<string> {
    return orUnavailable(identityOf(this.#connected.connection.manager));
  }

  backlogs(): Promise<readonly Backlog[]> {
    return orUnavailable(backlogsOf(this.#connected.connection.manager, [...this.#groups.values()]));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((handle) => handle.stop()));
    const session = this.#session;
    this.#session = undefined;
    session?.room.stop();
    session?.publisher.stop();
    await session?.connection.close();
  }

  fullReason(): string | undefined {
    return this.#session?.room.fullReason;
  }

  isReady(): boolean {
    return (
      !!this.#session?.connection.isConnected && [...this.#consumers.keys()].every(({ isReady }) => isReady)
    );
  }

  get #connected(): Session {
    if (!this.#session) throw new BusUnavailable("the bus is not started");
    return this.#session;
  }

  get #deadLetterLimits(): DeadLetterLimits {
    const { maxBytes, deadMaxAgeMs = 90 * DAY_MS } = this.#options;
    return { maxBytes, maxAgeMs: deadMaxAgeMs };
  }

  /** Concurrent callers share one request. */
  #ensureStreams(): Promise<void> {
    this.#ensuring ??= ensureStreams(this.#connected.connection.manager, this.#deadLetterLimits).finally(
      () => {
        this.#ensuring = undefined;
      },
    );
    return this.#ensuring;
  }

  async #deadLetter(letter: DeadLetter): Promise<void> {
    const head = headers();
    head.set("content-type", "application/json");
    head.set("Nats-Msg-Id", letter.id);
    const { connection, publisher } = this.#connected;
    const whole = Buffer.from(JSON.stringify(letter));
    // Other programs may send events that leave no room for the reason; the stream KINIT still has them.
    const body =
      whole.length < connection.maxPayload - LETTER_BYTES
        ? whole
        : Buffer.from(JSON.stringify({ ...letter, event: `${letter.event.slice(0, EVENT_CUT)}…` }));
    await publisher.publish(deadSubjectOf(letter.group), body, head);
    this.#options.observer?.deadLettered(letter);
  }
}

async function orUnavailable<T>(response: Promise<T>): Promise<T> {
  return response.catch((error: unknown) => {
    throw error instanceof BusUnavailable
      ? error
      : new BusUnavailable(`JetStream does not respond: ${errorMessage(error)}`, error);
  });
}

import type { DomainEnvelope, EventPattern, Matching } from "../contracts/catalogue.ts";
import { AppError } from "../errors.ts";

/**
 * Durable delivery of events to groups of services. What every adapter guarantees:
 * - Each group gets every event that matches its pattern; the members of a group share them.
 * - At least once: an event is settled only after its handler has ended well or its dead letter is stored.
 *   An event id that this member has handled already, or has in hand, is not handed to its handler again.
 * - Order per stream (`subject`) is the order in which handlers start, per group and process. A retried event may
 *   come after its successors, so consumers fold events in any order.
 * - An error with `retryable: true` says that the surroundings failed, not the event: it is tried again after a
 *   backoff for as long as it takes, and is not counted. Any other error counts; after `maxDeliver` of them the
 *   event goes to the dead letters with its reason. While their store is away, the letter waits and leaves its slot to
 *   another event. One that the store refuses for good is logged as an error and dropped, so that it blocks nothing.
 * - Events that break their contract go to the dead letters unhandled.
 */
export interface Bus {
  /**
   * Resolves when the event is accepted durably (jetstream: the stream has it; local: every group that subscribed
   * has handled it). Errors: `BUS_FULL` and `BUS_UNAVAILABLE`, retryable, and nothing was sent as far as is known;
   * `EVENT_TOO_LARGE`, not retryable.
   */
  send(event: DomainEnvelope, options?: SendOptions): Promise<void>;
  /** Resolves when the group exists and its events flow. */
  subscribe<P extends EventPattern>(subscription: Subscription<P>): Promise<SubscriptionHandle>;
  /**
   * True once a group is done with all events of a pattern that were accepted before the call; false where it is not
   * within the limit.
   */
  settled(group: string, pattern: EventPattern, limitMs: number): Promise<boolean>;
  /**
   * Which of these events the bus keeps for a group because it may not be done with them; events that were not accepted
   * before the call, or never, are not among them. Error: `BUS_UNAVAILABLE`.
   */
  unsettled(group: string, pattern: EventPattern, eventIds: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Names the store behind the bus. When the name changes, the events accepted under the earlier name are gone. Error:
   * `BUS_UNAVAILABLE`.
   */
  identity(): Promise<string>;
  start(): Promise<void>;
  /** Stops all subscriptions, then the bus itself. */
  stop(): Promise<void>;
  /** True while events can be sent and are delivered. */
  isReady(): boolean;
  /** Why `send` answers `BUS_FULL` at present and is going to, in words; undefined while there is room. */
  refusal(): string | undefined;
}

export interface SendOptions {
  /** The event may have been sent before: a relay sends again what a crash left unconfirmed. */
  readonly resent?: boolean;
}

/** One handing out of an event to a handler. */
export interface Delivery {
  /** 1 at first; above when the event is handed out again, in this process or after another one died with it. */
  readonly count: number;
  /** True when the sender may have sent it before, or `count` is above 1. */
  readonly resent: boolean;
  /**
   * When this member last may have lost the event to another one, as `performance.now()`: it could not reach the queue
   * for longer than `ackWaitMs`. Minus infinity where that never happened; read it anew each time.
   */
  readonly lapsedAt: number;
  /** Aborted when the subscription is being stopped: end soon, or throw `Requeue`. */
  readonly stopping: AbortSignal;
}

export interface SubscriptionOptions<P extends EventPattern = EventPattern> {
  readonly pattern: P;
  /** All members with the same group and pattern share one queue. */
  readonly group: string;
  /** Events that this member holds at the same time. */
  readonly maxInFlight: number;
  /** After this silence of a member its events go to another one; a running handler is never silent. */
  readonly ackWaitMs: number;
  /** Failures (see above) after which an event goes to the dead letters. */
  readonly maxDeliver: number;
  /** Wait before the second try, the third and so on; the last one repeats. */
  readonly backoffMs: readonly number[];
}

export interface SingleSubscription<P extends EventPattern = EventPattern> extends SubscriptionOptions<P> {
  readonly handleBatch?: undefined;
  handle(event: DomainEnvelope<Matching<P>>, delivery: Delivery): unknown;
}

export interface BatchOptions {
  readonly maxSize: number;
  /** How long the first event of a batch waits for more. */
  readonly lingerMs: number;
  /** Batches handled at the same time; 1 unless told. */
  readonly concurrency?: number;
}

/** A batch that fails with a retryable error is tried again whole; one that fails otherwise is halved until the guilty event is alone. */
export interface BatchSubscription<P extends EventPattern = EventPattern> extends SubscriptionOptions<P> {
  readonly handle?: undefined;
  readonly batch: BatchOptions;
  handleBatch(
    events: readonly DomainEnvelope<Matching<P>>[],
    deliveries: readonly Delivery[],
  ): Promise<unknown> | unknown;
}

export type Subscription<P extends EventPattern = EventPattern> =
  | SingleSubscription<P>
  | BatchSubscription<P>;

export interface SubscriptionHandle {
  /**
   * Takes no new events, hands back those that no handler has begun, waits for running handlers up to the limit
   * (milliseconds; the bus's `drainMs` unless told) and hands back the rest. Never rejects.
   */
  stop(limitMs?: number): Promise<void>;
}

/** An event that could not be handled, with the reason. */
export interface DeadLetter {
  /** Equal for the same event of the same group, so that storing it twice is harmless. */
  readonly id: string;
  readonly group: string;
  readonly pattern: string;
  /** The event as JSON text, or what was received where it was no JSON. */
  readonly event: string;
  readonly error: { readonly type: string; readonly message: string };
  /** How often it was handed out. */
  readonly deliveries: number;
  readonly at: string;
}

/** A handler throws this to return an event at once, uncounted, to the group: another member gets it. */
export class Requeue extends AppError {
  constructor(reason: string) {
    super(reason, { type: "REQUEUE" });
  }
}

/** The bus holds as much as it may; what was to be sent has to wait with the sender. */
export class BusFull extends AppError {
  constructor(message: string, cause?: unknown) {
    super(message, { type: "BUS_FULL", cause });
  }
}

export class BusUnavailable extends AppError {
  constructor(message: string, cause?: unknown) {
    super(message, { type: "BUS_UNAVAILABLE", cause });
  }
}

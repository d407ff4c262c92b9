import type { DomainEnvelope, EventPattern, Matching } from "../contracts/catalogue.ts";
import { AppError } from "../errors.ts";

/**
 * Durable delivery of events to groups of services. Every adapter guarantees:
 * - Each group receives every event that matches its pattern; the members of a group share them.
 * - Delivery is at least once: an event is acknowledged only after its handler has succeeded or its dead letter is
 *   stored. A member does not handle an event id again that it has handled, or that it has in flight.
 * - Handlers start in the order of each stream (`subject`), per group and process. A retried event may come after its
 *   successors, so consumers must fold events in any order.
 * - An error with `retryable: true` means that the environment failed, not the event: the event is retried with a
 *   backoff, without limit, and the failure is not counted. Any other error is counted; after `maxDeliver` of them the
 *   event goes to the dead letters with the reason. While the dead letters cannot be stored, the letter waits and its
 *   slot is free for another event. A letter that the store rejects permanently is logged as an error and dropped.
 * - Events that violate their contract go to the dead letters without being handled.
 */
export interface Bus {
  /**
   * Resolves when the event is accepted durably (jetstream: it is stored in the stream; local: every subscribed group
   * has handled it).
   * @throws `BUS_FULL` or `BUS_UNAVAILABLE`, retryable: the event may not have been sent.
   * @throws `EVENT_TOO_LARGE`, not retryable.
   */
  send(event: DomainEnvelope, options?: SendOptions): Promise<void>;
  /** Resolves when the group exists and receives events. */
  subscribe<P extends EventPattern>(subscription: Subscription<P>): Promise<SubscriptionHandle>;
  /**
   * Returns true once a group has handled all events of a pattern that were accepted before the call, false when it has
   * not within the limit.
   */
  hasCaughtUp(group: string, pattern: EventPattern, limitMs: number): Promise<boolean>;
  /**
   * Returns those of the given events that the bus stores for a group and that the group may not have handled. Events
   * that were not accepted before the call are not returned.
   * @throws `BUS_UNAVAILABLE`
   */
  unhandled(group: string, pattern: EventPattern, eventIds: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Returns an id of the store behind the bus. When it changes, the events accepted under the earlier id are lost.
   * @throws `BUS_UNAVAILABLE`
   */
  identity(): Promise<string>;
  start(): Promise<void>;
  /** Stops all subscriptions, then the bus itself. */
  stop(): Promise<void>;
  /** True while events can be sent and are being delivered. */
  isReady(): boolean;
  /**
   * Returns what each group has not handled: those that subscribed in this process and, with jetstream, those that have to exist.
   * @throws `BUS_UNAVAILABLE`
   */
  backlogs(): Promise<readonly Backlog[]>;
  /** Returns the reason why `send` currently throws `BUS_FULL`, as a sentence; undefined while there is room. */
  fullReason(): string | undefined;
}

/** Events of one group that it has not handled. */
export interface Backlog {
  readonly group: string;
  readonly pattern: string;
  /** Not delivered to a member yet. */
  readonly waiting: number;
  /** Delivered and not acknowledged. */
  readonly inFlight: number;
  /** Age of the oldest of both, in ms; 0 if there is none. */
  readonly oldestMs: number;
}

/** Is notified of what a bus does, to count it. Must not throw. */
export interface BusObserver {
  /** The bus has accepted an event. */
  sent(event: DomainEnvelope): void;
  deadLettered(letter: DeadLetter): void;
}

export interface SendOptions {
  /** The event may have been sent before: after a crash, the outbox sends unconfirmed events again. */
  readonly resent?: boolean;
}

/** One delivery of an event to a handler. */
export interface Delivery {
  /** 1 for the first delivery; more for a redelivery, by this process or after another process died. */
  readonly count: number;
  /** True when the sender may have sent the event before, or `count` is above 1. */
  readonly resent: boolean;
  /**
   * The last time at which the event may have been redelivered to another member, as `performance.now()`, because this
   * member could not reach the queue for longer than `ackWaitMs`. Minus infinity if that never happened. The value
   * changes: read it each time.
   */
  readonly lapsedAt: number;
  /** Aborted when the subscription stops: finish soon, or throw `Requeue`. */
  readonly stopping: AbortSignal;
}

export interface SubscriptionOptions<P extends EventPattern = EventPattern> {
  readonly pattern: P;
  /** All members with the same group and pattern share one queue. */
  readonly group: string;
  /** Events that this member has in flight at the same time. */
  readonly maxInFlight: number;
  /** A member's events are redelivered to another member after this time without a sign of life. */
  readonly ackWaitMs: number;
  /** Counted failures (see `Bus`) after which an event goes to the dead letters. */
  readonly maxDeliver: number;
  /** Delays before the second attempt, the third and so on; the last one repeats. */
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
  /** Batches handled at the same time; default 1. */
  readonly concurrency?: number;
}

/** A batch that fails with a retryable error is retried whole; after any other error it is halved until the failing event is alone. */
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
   * Accepts no more events, requeues those whose handler has not started, waits for running handlers up to the limit
   * (milliseconds; default: the bus's `drainMs`) and requeues the rest. Never rejects.
   */
  stop(limitMs?: number): Promise<void>;
}

/** An event that could not be handled, with the reason. */
export interface DeadLetter {
  /** The same for the same event and group, so that storing a letter twice is harmless. */
  readonly id: string;
  readonly group: string;
  readonly pattern: string;
  /** The event as JSON text, or the received text if it was not JSON. */
  readonly event: string;
  readonly error: { readonly type: string; readonly message: string };
  /** How often the event was delivered. */
  readonly deliveries: number;
  readonly at: string;
}

/** A handler throws this to requeue an event at once, without counting a failure: another member gets it. */
export class Requeue extends AppError {
  constructor(reason: string) {
    super(reason, { type: "REQUEUE" });
  }
}

/** The bus is at its limit; the sender must keep the event and retry. */
export class BusFull extends AppError {
  constructor(message: string, cause?: unknown) {
    super(message, { type: "BUS_FULL", cause });
  }
}

/** The bus cannot be reached, or is not started. */
export class BusUnavailable extends AppError {
  constructor(message: string, cause?: unknown) {
    super(message, { type: "BUS_UNAVAILABLE", cause });
  }
}

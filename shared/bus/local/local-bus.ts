import { type DomainEnvelope, matchesPattern } from "../../contracts/catalogue.ts";
import type { Log } from "../../log.ts";
import {
  type Backlog,
  type Bus,
  BusFull,
  type BusObserver,
  BusUnavailable,
  type DeadLetter,
  type SendOptions,
  type Subscription,
  type SubscriptionHandle,
} from "../bus.ts";
import { Worker } from "../delivery/worker.ts";
import { LocalEvent, LocalGroup, LocalSend } from "./local-group.ts";

export interface LocalBusOptions {
  /** Stores an event that could not be handled. Retryable errors are retried without limit, others a few times. */
  deadLetter(letter: DeadLetter): Promise<void>;
  readonly logger: Log;
  readonly observer?: BusObserver | undefined;
  /** Events of one group, queued or in flight, from which on `send` throws `BUS_FULL`; default 10,000. */
  readonly maxQueued?: number;
  /** How long a stopping subscription waits for running handlers, in milliseconds; default 20,000. */
  readonly drainMs?: number;
  /** Called once the bus has stopped: no dead letter is stored after it. */
  onStopped?(): Promise<void>;
}

/**
 * The bus inside one process. It stores nothing: `send` resolves only when every group has handled the event, so the
 * sender's store keeps the event until then. An event without a subscribed group is accepted at once.
 */
export function localBus(options: LocalBusOptions): Bus {
  return new LocalBus(options);
}

class LocalBus implements Bus {
  readonly #options: LocalBusOptions;
  readonly #groups = new Map<string, LocalGroup>();
  readonly #groupsByType = new Map<string, LocalGroup[]>();
  readonly #handles = new Set<SubscriptionHandle>();
  #isStarted = false;
  #sequence = 0;

  constructor(options: LocalBusOptions) {
    this.#options = options;
  }

  async send(event: DomainEnvelope, { resent = false }: SendOptions = {}): Promise<void> {
    if (!this.#isStarted) throw new BusUnavailable("the bus is not started");
    const { maxQueued = 10_000 } = this.#options;
    const groups = this.#groupsFor(event.type);
    if (groups.length === 0) return;
    if (groups.some(({ size }) => size >= maxQueued))
      throw new BusFull(`a group of ${event.type} has ${maxQueued} unhandled events`);
    this.#options.observer?.sent(event);
    this.#sequence += 1;
    const send = new LocalSend({ body: event, resent, sequence: this.#sequence, groups: groups.length });
    for (const group of groups) group.add(new LocalEvent(group, send));
    return send.promise;
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionHandle> {
    const { drainMs = 20_000, logger } = this.#options;
    const group = this.#groupOf(subscription);
    const worker: Worker = new Worker(subscription, {
      deadLetter: (letter) => this.#deadLetter(letter),
      onRoom: () => group.distribute(),
      logger,
    });
    group.join(worker);
    const handle: SubscriptionHandle = {
      stop: async (limitMs = drainMs) => {
        this.#handles.delete(handle);
        await worker.stop(limitMs);
        group.leave(worker);
      },
    };
    this.#handles.add(handle);
    return handle;
  }

  /** An event is accepted here when it has been handled. */
  async hasCaughtUp(): Promise<boolean> {
    return true;
  }

  async unhandled(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async identity(): Promise<string> {
    return "local";
  }

  async start(): Promise<void> {
    this.#isStarted = true;
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([...this.#handles].map((handle) => handle.stop()));
    for (const group of this.#groups.values()) group.close();
    await this.#options.onStopped?.();
  }

  isReady(): boolean {
    return this.#isStarted;
  }

  async backlogs(): Promise<readonly Backlog[]> {
    const now = Date.now();
    return [...this.#groups.values()].map((group) => group.backlog(now));
  }

  /** `send` reports a full queue to its senders, which are all in this process. */
  fullReason(): undefined {
    return undefined;
  }

  async #deadLetter(letter: DeadLetter): Promise<void> {
    await this.#options.deadLetter(letter);
    this.#options.observer?.deadLettered(letter);
  }

  #groupOf({ group, pattern }: Subscription): LocalGroup {
    const key = `${group} ${pattern}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const created = new LocalGroup(group, pattern);
    this.#groups.set(key, created);
    this.#groupsByType.clear();
    return created;
  }

  #groupsFor(type: string): LocalGroup[] {
    const known = this.#groupsByType.get(type);
    if (known) return known;
    const matching = [...this.#groups.values()].filter(({ pattern }) => matchesPattern(pattern, type));
    this.#groupsByType.set(type, matching);
    return matching;
  }
}

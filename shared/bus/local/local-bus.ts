import { matchesPattern } from "../../contracts/catalogue.ts";
import type { Log } from "../../log.ts";
import {
  type Bus,
  BusFull,
  BusUnavailable,
  type DeadLetter,
  type Subscription,
  type SubscriptionHandle,
} from "../bus.ts";
import { Worker } from "../delivery/worker.ts";
import { LocalEvent, LocalGroup, LocalSend } from "./local-group.ts";

export interface LocalBusOptions {
  /** Stores an event that could not be handled. A retryable error is tried again until it succeeds, any other a few times. */
  deadLetter(letter: DeadLetter): Promise<void>;
  readonly logger: Log;
  /** Events that one group holds before `send` answers `BUS_FULL`; 10,000 unless told. */
  readonly maxQueued?: number;
  /** How long a stopping subscription waits for running handlers, in milliseconds; 20,000 unless told. */
  readonly drainMs?: number;
}

/**
 * The bus inside one process. It stores nothing: `send` resolves only when every group is done with the event, so
 * the sender's store holds the event until then. An event that no group subscribed to is accepted at once.
 */
export function localBus(options: LocalBusOptions): Bus {
  const { maxQueued = 10_000, drainMs = 20_000 } = options;
  const groups = new Map<string, LocalGroup>();
  const byType = new Map<string, LocalGroup[]>();
  const handles = new Set<SubscriptionHandle>();
  let isStarted = false;
  let sequence = 0;

  const groupOf = ({ group, pattern }: Subscription): LocalGroup => {
    const key = `${group} ${pattern}`;
    const known = groups.get(key);
    if (known) return known;
    const created = new LocalGroup(pattern);
    groups.set(key, created);
    byType.clear();
    return created;
  };
  const groupsFor = (type: string): LocalGroup[] => {
    const known = byType.get(type);
    if (known) return known;
    const matching = [...groups.values()].filter(({ pattern }) => matchesPattern(pattern, type));
    byType.set(type, matching);
    return matching;
  };

  return {
    async send(event, { resent = false } = {}) {
      if (!isStarted) throw new BusUnavailable("the bus is not started");
      const receivers = groupsFor(event.type);
      if (receivers.length === 0) return;
      if (receivers.some(({ size }) => size >= maxQueued))
        throw new BusFull(`a group holds ${maxQueued} events of ${event.type} or its family already`);
      const send = new LocalSend(receivers.length);
      sequence += 1;
      for (const group of receivers)
        group.add(new LocalEvent(group, send, { body: event, resent, sequence }));
      return send.promise;
    },
    async subscribe(subscription) {
      const group = groupOf(subscription);
      const worker: Worker = new Worker(subscription, {
        deadLetter: (letter) => options.deadLetter(letter),
        onRoom: () => group.distribute(),
        logger: options.logger,
      });
      group.join(worker);
      const handle: SubscriptionHandle = {
        async stop(limitMs = drainMs) {
          handles.delete(handle);
          await worker.stop(limitMs);
          group.leave(worker);
        },
      };
      handles.add(handle);
      return handle;
    },
    // An event is accepted here when it has been handled.
    hasCaughtUp: async () => true,
    unhandled: async () => new Set(),
    identity: async () => "local",
    async start() {
      isStarted = true;
    },
    async stop() {
      isStarted = false;
      await Promise.all([...handles].map((handle) => handle.stop()));
      for (const group of groups.values()) group.close();
    },
    isReady: () => isStarted,
    // A queue of this process that is full says so to its senders, which are in this process too.
    fullReason: () => undefined,
  };
}

import { errorMessage } from "../errors.ts";
import { Fifo } from "../fifo.ts";
import type { Log } from "../log.ts";
import { type DeadLetter, Requeue, type Subscription } from "./bus.ts";
import { deadLetterOf, NeverSettled, storeLetter } from "./dead-letter.ts";
import { HeldEvent, type Outcome, type Received } from "./held-event.ts";
import { Pauses } from "./pauses.ts";
import { checkReceived } from "./received-event.ts";
import { RecentIds } from "./recent-ids.ts";
import { type BatchPort, settleBatch } from "./settle-batch.ts";

export interface WorkerPort {
  deadLetter(letter: DeadLetter): Promise<void>;
  /** The worker takes more events than it did a moment ago. */
  onRoom(): void;
  readonly logger: Log;
}

/** Remembered per subscription: covers what a queue repeats after a reconnect; about 1 MB. */
const RECENT_IDS = 10_000;
/**
 * Failures are counted here and retried here, so a queue repeats an event only after a hand-back or the end of a
 * process. This many repetitions beyond `maxDeliver` mean that the event itself ends processes.
 */
const SPARE_HAND_OUTS = 20;

/**
 * Hands received events to one subscription's handler: checks them, drops repetitions, gathers batches, retries,
 * buries. Both adapters use it; every received event is settled exactly once.
 */
export class Worker {
  readonly #subscription: Subscription;
  readonly #port: WorkerPort;
  readonly #recent = new RecentIds(RECENT_IDS);
  readonly #inHand = new Map<string, HeldEvent>();
  readonly #unreadable = new Set<Received>();
  readonly #stopping = new AbortController();
  readonly #pauses = new Pauses();
  readonly #lanes: number;
  readonly #batchSize: number;
  readonly #lingerMs: number;
  readonly #queue = new Fifo<HeldEvent>();
  #held = 0;
  #waiting = 0;
  #busyLanes = 0;
  #linger: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(subscription: Subscription, port: WorkerPort) {
    this.#subscription = subscription;
    this.#port = port;
    const batch = subscription.handleBatch ? subscription.batch : undefined;
    this.#batchSize = batch?.maxSize ?? 1;
    this.#lingerMs = batch?.lingerMs ?? 0;
    this.#lanes = batch ? (batch.concurrency ?? 1) : subscription.maxInFlight;
  }

  /** How many more events it takes now. Events that wait for their next try leave their place to others, up to as many again. */
  get room(): number {
    if (this.#stopping.signal.aborted) return 0;
    const { maxInFlight } = this.#subscription;
    return maxInFlight - this.#held + Math.min(this.#waiting, maxInFlight);
  }

  accept(received: Received): void {
    if (this.#stopping.signal.aborted) {
      received.settle("handed-back");
      return;
    }
    const { body } = received;
    this.#held += 1;
    try {
      checkReceived(body, this.#subscription.pattern);
    } catch (error) {
      void this.#buryUnreadable(received, error);
      return;
    }
    if (this.#recent.has(body.id)) {
      this.#release(received, "done");
      return;
    }
    const twin = this.#inHand.get(body.id);
    if (twin) {
      twin.twins ??= [];
      twin.twins.push(received);
      return;
    }
    const entry = new HeldEvent(received, body, this.#stopping.signal);
    this.#inHand.set(body.id, entry);
    if (received.count > this.#subscription.maxDeliver + SPARE_HAND_OUTS) {
      void this.#bury(entry, new NeverSettled(received.count));
      return;
    }
    this.#queue.push(entry);
    this.#pump();
  }

  /** Hands back what no handler has begun, waits up to the limit for the rest and hands back what is left. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#linger);
    for (const entry of this.#queue.drain()) this.#settle(entry, "handed-back");
    this.#pauses.end();
    if (this.#held > 0) await this.#idle(limitMs);
    for (const entry of this.#inHand.values()) this.#settle(entry, "handed-back");
    for (const received of this.#unreadable) this.#release(received, "handed-back");
    this.#unreadable.clear();
  }

  #idle(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #pump(): void {
    while (this.#queue.size > 0 && this.#busyLanes < this.#lanes) {
      const size = this.#batchDue();
      if (size === 0) return;
      void this.#run(this.#queue.take(size));
    }
  }

  /** The size of the batch to begin now; 0 while it waits for more. An event that failed goes alone, and first. */
  #batchDue(): number {
    const first = this.#queue.first() as HeldEvent;
    if (this.#batchSize === 1 || first.failures > 0) return 1;
    const size = Math.min(this.#batchSize, this.#queue.size);
    const left = this.#lingerMs - (performance.now() - first.arrivedAt);
    if (size === this.#batchSize || left <= 0) return size;
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined;
      this.#pump();
    }, Math.ceil(left));
    return 0;
  }

  async #run(entries: HeldEvent[]): Promise<void> {
    this.#busyLanes += 1;
    await settleBatch(entries, this.#outcomes);
    this.#busyLanes -= 1;
    this.#pump();
  }

  /** Made once: thousands of events a second need no closures of their own. */
  readonly #outcomes: BatchPort<HeldEvent> = {
    handle: (entries) => this.#handle(entries),
    pause: (tries, error) => {
      this.#port.logger.warn(
        { ...this.#fields, reason: errorMessage(error) },
        "a batch failed; trying again",
      );
      return this.#pauses.wait(this.#backoff(tries));
    },
    handled: (entries) => {
      for (const entry of entries) this.#handled(entry);
    },
    requeued: (entries) => {
      for (const entry of entries) this.#settle(entry, "handed-back");
    },
    failed: (entry, error) => void this.#failed(entry, error),
  };

  #handle(entries: readonly HeldEvent[]): unknown {
    if (this.#stopping.signal.aborted) throw new Requeue("the subscription is being stopped");
    for (const entry of entries) entry.tries += 1;
    const subscription = this.#subscription;
    if (!subscription.handleBatch) {
      const entry = entries[0] as HeldEvent;
      return subscription.handle(entry.event, entry);
    }
    const events = entries.map(({ event }) => event);
    return subscription.handleBatch(events, entries);
  }

  #handled(entry: HeldEvent): void {
    if (entry.isSettled) return;
    this.#recent.add(entry.event.id);
    this.#settle(entry, "done");
  }

  async #failed(entry: HeldEvent, error: unknown): Promise<void> {
    if (entry.isSettled) return;
    entry.failures += 1;
    const { maxDeliver } = this.#subscription;
    this.#port.logger.warn(
      {
        ...this.#fields,
        eventId: entry.event.id,
        failures: entry.failures,
        maxDeliver,
        reason: errorMessage(error),
      },
      "an event failed",
    );
    if (entry.failures >= maxDeliver) return this.#bury(entry, error);
    if (!(await this.#waitAside(entry.failures))) return this.#settle(entry, "handed-back");
    this.#queue.putFirst([entry]);
    this.#pump();
  }

  async #bury(entry: HeldEvent, error: unknown): Promise<void> {
    const outcome = await this.#storeDeadLetter(entry.received, error, entry.count);
    this.#settle(entry, outcome);
  }

  async #buryUnreadable(received: Received, error: unknown): Promise<void> {
    this.#unreadable.add(received);
    const outcome = await this.#storeDeadLetter(received, error, received.count);
    if (this.#unreadable.delete(received)) this.#release(received, outcome);
  }

  #storeDeadLetter(received: Received, error: unknown, deliveries: number): Promise<Outcome> {
    const letter = deadLetterOf(this.#subscription, received, { error, deliveries });
    return storeLetter(letter, { ...this.#port, wait: (tries) => this.#waitAside(tries) });
  }

  /** Waits for the next try and leaves the slot to another event meanwhile; false where the subscription stops. */
  async #waitAside(tries: number): Promise<boolean> {
    this.#waiting += 1;
    this.#port.onRoom();
    const mayRetry = await this.#pauses.wait(this.#backoff(tries));
    this.#waiting -= 1;
    return mayRetry;
  }

  #settle(entry: HeldEvent, outcome: Outcome): void {
    if (entry.isSettled) return;
    entry.isSettled = true;
    this.#inHand.delete(entry.event.id);
    this.#release(entry.received, outcome);
    for (const twin of entry.twins ?? []) this.#release(twin, outcome);
  }

  #release(received: Received, outcome: Outcome): void {
    this.#held -= 1;
    received.settle(outcome);
    this.#port.onRoom();
    if (this.#held === 0) this.#onIdle?.();
  }

  #backoff(tries: number): number {
    const { backoffMs } = this.#subscription;
    return backoffMs[Math.min(tries, backoffMs.length) - 1] ?? 1000;
  }

  get #fields(): { readonly group: string; readonly pattern: string } {
    const { group, pattern } = this.#subscription;
    return { group, pattern };
  }
}

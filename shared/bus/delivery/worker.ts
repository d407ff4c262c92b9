import { errorMessage } from "../../errors.ts";
import { Fifo } from "../../fifo.ts";
import type { Log } from "../../log.ts";
import { type DeadLetter, Requeue, type Subscription } from "../bus.ts";
import { deadLetterOf, NeverHandled, storeLetter } from "./dead-letter.ts";
import { type BatchDelivery, deliverBatch } from "./deliver-batch.ts";
import { type DeliveryResult, InFlightEvent, type Received } from "./in-flight-event.ts";
import { Pauses } from "./pauses.ts";
import { checkReceived } from "./received-event.ts";
import { RecentIds } from "./recent-ids.ts";

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
  readonly #inFlight = new Map<string, InFlightEvent>();
  readonly #unreadable = new Set<Received>();
  readonly #stopping = new AbortController();
  readonly #pauses = new Pauses();
  readonly #lanes: number;
  readonly #batchSize: number;
  readonly #lingerMs: number;
  readonly #queue = new Fifo<InFlightEvent>();
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
      received.finish("requeued");
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
      this.#release(received, "handled");
      return;
    }
    const twin = this.#inFlight.get(body.id);
    if (twin) {
      twin.twins ??= [];
      twin.twins.push(received);
      return;
    }
    const entry = new InFlightEvent(received, body, this.#stopping.signal);
    this.#inFlight.set(body.id, entry);
    if (received.count > this.#subscription.maxDeliver + SPARE_HAND_OUTS) {
      void this.#bury(entry, new NeverHandled(received.count));
      return;
    }
    this.#queue.push(entry);
    this.#pump();
  }

  /** Hands back what no handler has begun, waits up to the limit for the rest and hands back what is left. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#linger);
    for (const entry of this.#queue.drain()) this.#finish(entry, "requeued");
    this.#pauses.end();
    if (this.#held > 0) await this.#idle(limitMs);
    for (const entry of this.#inFlight.values()) this.#finish(entry, "requeued");
    for (const received of this.#unreadable) this.#release(received, "requeued");
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
    const first = this.#queue.first() as InFlightEvent;
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

  async #run(entries: InFlightEvent[]): Promise<void> {
    this.#busyLanes += 1;
    await deliverBatch(entries, this.#batchDelivery);
    this.#busyLanes -= 1;
    this.#pump();
  }

  /** Made once: thousands of events a second need no closures of their own. */
  readonly #batchDelivery: BatchDelivery<InFlightEvent> = {
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
      for (const entry of entries) this.#finish(entry, "requeued");
    },
    failed: (entry, error) => void this.#failed(entry, error),
  };

  #handle(entries: readonly InFlightEvent[]): unknown {
    if (this.#stopping.signal.aborted) throw new Requeue("the subscription is being stopped");
    for (const entry of entries) entry.tries += 1;
    const subscription = this.#subscription;
    if (!subscription.handleBatch) {
      const entry = entries[0] as InFlightEvent;
      return subscription.handle(entry.event, entry);
    }
    const events = entries.map(({ event }) => event);
    return subscription.handleBatch(events, entries);
  }

  #handled(entry: InFlightEvent): void {
    if (entry.isFinished) return;
    this.#recent.add(entry.event.id);
    this.#finish(entry, "handled");
  }

  async #failed(entry: InFlightEvent, error: unknown): Promise<void> {
    if (entry.isFinished) return;
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
    if (!(await this.#waitAside(entry.failures))) return this.#finish(entry, "requeued");
    this.#queue.putFirst([entry]);
    this.#pump();
  }

  async #bury(entry: InFlightEvent, error: unknown): Promise<void> {
    const result = await this.#storeDeadLetter(entry.received, error, entry.count);
    this.#finish(entry, result);
  }

  async #buryUnreadable(received: Received, error: unknown): Promise<void> {
    this.#unreadable.add(received);
    const result = await this.#storeDeadLetter(received, error, received.count);
    if (this.#unreadable.delete(received)) this.#release(received, result);
  }

  #storeDeadLetter(received: Received, error: unknown, deliveries: number): Promise<DeliveryResult> {
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

  #finish(entry: InFlightEvent, result: DeliveryResult): void {
    if (entry.isFinished) return;
    entry.isFinished = true;
    this.#inFlight.delete(entry.event.id);
    this.#release(entry.received, result);
    for (const twin of entry.twins ?? []) this.#release(twin, result);
  }

  #release(received: Received, result: DeliveryResult): void {
    this.#held -= 1;
    received.finish(result);
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

import type { DomainEnvelope } from "../../contracts/catalogue.ts";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type DeadLetter, Requeue, type Subscription } from "../bus.ts";
import { BatchQueue } from "./batch-queue.ts";
import { type DeliveryFailure, deadLetterOf, NeverFinished, storeLetter } from "./dead-letters.ts";
import { type BatchDelivery, deliverBatch } from "./deliver-batch.ts";
import { type DeliveryResult, InFlightEvent, type Received } from "./in-flight-event.ts";
import { RecentIds } from "./recent-ids.ts";
import { RetryWaits } from "./retry-waits.ts";

export interface WorkerPort {
  deadLetter(letter: DeadLetter): Promise<void>;
  /** The worker accepts more events than a moment ago. */
  onRoom(): void;
  readonly logger: Log;
}

/** Ids kept per subscription: covers what a queue repeats after a reconnect; about 1 MB. */
const RECENT_IDS = 10_000;
/**
 * Failures are counted and retried here, so a queue redelivers an event only after a requeue or the end of a process.
 * This many redeliveries beyond `maxDeliver` mean that the event itself ends processes.
 */
const SPARE_DELIVERIES = 20;

/**
 * Delivers received events to the handler of one subscription: checks them, drops duplicates, forms batches, retries,
 * and stores dead letters. Both adapters use it. Every received event is finished exactly once.
 */
export class Worker {
  readonly #subscription: Subscription;
  readonly #port: WorkerPort;
  readonly #concurrency: number;
  readonly #queue: BatchQueue;
  readonly #retries: RetryWaits;
  readonly #recent = new RecentIds(RECENT_IDS);
  readonly #inFlight = new Map<string, InFlightEvent>();
  readonly #invalid = new Set<Received>();
  readonly #stopping = new AbortController();
  /** Received and not finished, duplicates and invalid ones included. */
  #unfinished = 0;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(subscription: Subscription, port: WorkerPort) {
    const { maxInFlight, backoffMs } = subscription;
    const batch = subscription.handleBatch ? subscription.batch : undefined;
    this.#subscription = subscription;
    this.#port = port;
    this.#concurrency = batch ? (batch.concurrency ?? 1) : maxInFlight;
    this.#queue = new BatchQueue(batch, () => this.#pump());
    this.#retries = new RetryWaits({ backoffMs, onSlotReleased: () => port.onRoom() });
  }

  /** How many more events it accepts now. Events that wait for a retry release their slots, at most `maxInFlight` of them. */
  get room(): number {
    if (this.#stopping.signal.aborted) return 0;
    const { maxInFlight } = this.#subscription;
    return maxInFlight - this.#unfinished + Math.min(this.#retries.released, maxInFlight);
  }

  accept(received: Received): void {
    if (this.#stopping.signal.aborted) {
      received.finish("requeued");
      return;
    }
    this.#unfinished += 1;
    let event: DomainEnvelope;
    try {
      event = received.event(this.#subscription.pattern);
    } catch (error) {
      void this.#deadLetterInvalid(received, error);
      return;
    }
    const known = this.#inFlight.get(event.id);
    if (this.#recent.has(event.id)) this.#release(received, "handled");
    else if (known) known.addDuplicate(received);
    else this.#admit(new InFlightEvent(received, event, this.#stopping.signal));
  }

  /** Requeues events whose handler has not started, waits for the rest up to the limit and then requeues them too. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping.abort();
    for (const entry of this.#queue.close()) this.#finish(entry, "requeued");
    this.#retries.end();
    if (this.#unfinished > 0) await this.#idle(limitMs);
    for (const entry of this.#inFlight.values()) this.#finish(entry, "requeued");
    for (const received of this.#invalid) this.#release(received, "requeued");
    this.#invalid.clear();
  }

  #idle(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#onIdle = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }

  #admit(entry: InFlightEvent): void {
    const { count } = entry.received;
    this.#inFlight.set(entry.event.id, entry);
    if (count > this.#subscription.maxDeliver + SPARE_DELIVERIES) {
      void this.#deadLetter(entry, { error: new NeverFinished(count), deliveries: count });
      return;
    }
    this.#queue.push(entry);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < this.#concurrency) {
      const batch = this.#queue.take();
      if (!batch) return;
      void this.#run(batch);
    }
  }

  async #run(entries: InFlightEvent[]): Promise<void> {
    this.#running += 1;
    await deliverBatch(entries, this.#batchDelivery);
    this.#running -= 1;
    this.#pump();
  }

  /** One object for all batches: thousands of events a second need no closures of their own. */
  readonly #batchDelivery: BatchDelivery<InFlightEvent> = {
    handle: (entries) => this.#handle(entries),
    waitToRetry: (attempts, error) => {
      this.#port.logger.warn({ ...this.#fields, reason: errorMessage(error) }, "a batch failed; retrying");
      return this.#retries.wait(attempts);
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
    if (this.#stopping.signal.aborted) throw new Requeue("the subscription is stopping");
    for (const entry of entries) entry.attempts += 1;
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
    const { event, failures, count } = entry;
    const { maxDeliver } = this.#subscription;
    this.#port.logger.warn(
      { ...this.#fields, eventId: event.id, failures, maxDeliver, reason: errorMessage(error) },
      "an event failed",
    );
    if (failures >= maxDeliver) return this.#deadLetter(entry, { error, deliveries: count });
    if (!(await this.#retries.waitWithoutSlot(failures))) return this.#finish(entry, "requeued");
    this.#queue.pushRetry(entry);
    this.#pump();
  }

  async #deadLetter(entry: InFlightEvent, failure: DeliveryFailure): Promise<void> {
    const result = await this.#storeDeadLetter(entry.received, failure);
    this.#finish(entry, result);
  }

  async #deadLetterInvalid(received: Received, error: unknown): Promise<void> {
    this.#invalid.add(received);
    const result = await this.#storeDeadLetter(received, { error, deliveries: received.count });
    if (this.#invalid.delete(received)) this.#release(received, result);
  }

  #storeDeadLetter(received: Received, failure: DeliveryFailure): Promise<DeliveryResult> {
    return storeLetter(deadLetterOf(this.#subscription, received, failure), {
      ...this.#port,
      waitToRetry: (attempts) => this.#retries.waitWithoutSlot(attempts),
    });
  }

  #finish(entry: InFlightEvent, result: DeliveryResult): void {
    if (entry.isFinished) return;
    entry.isFinished = true;
    this.#inFlight.delete(entry.event.id);
    this.#release(entry.received, result);
    for (const duplicate of entry.duplicates ?? []) this.#release(duplicate, result);
  }

  #release(received: Received, result: DeliveryResult): void {
    this.#unfinished -= 1;
    received.finish(result);
    this.#port.onRoom();
    if (this.#unfinished === 0) this.#onIdle?.();
  }

  get #fields(): { readonly group: string; readonly pattern: string } {
    const { group, pattern } = this.#subscription;
    return { group, pattern };
  }
}

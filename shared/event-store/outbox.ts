import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage, errorType } from "../errors.ts";
import { eventId } from "../ids.ts";
import type { Log } from "../log.ts";
import { OpenTransactions } from "./open-transactions.ts";
import { type Adoption, createAdoption } from "./outbox-adoption.ts";
import type { OutboxStore } from "./outbox-store.ts";
import { type Entry, SendQueue } from "./send-queue.ts";
import { createUnknownCommits, type UnknownCommits } from "./unknown-commits.ts";

/** The reports of an event store about one transaction. */
export interface Ticket {
  /** Id of the outbox. It is stored in the events, so that they can be found again. */
  readonly writer: string;
  committed(events: readonly DomainEnvelope[]): void;
  aborted(): void;
  /** It has not ended in time. Nothing is sent until its end is reported, so that no later event overtakes it. */
  delayed(): void;
  /** The response to the commit was lost. Nothing is sent until it was looked up which of these events are stored. */
  unknown(events: readonly DomainEnvelope[]): void;
}

/**
 * Publishes committed events: at least once, in order per stream, also after a crash. The events in the store are the
 * queue. A checkpoint states up to where the bus has accepted them; after a crash later events are sent again.
 */
export interface Outbox extends Pick<Adoption, "adoptAll" | "adoptEnded"> {
  /** Called before each transaction. */
  open(): Ticket;
  /** False while too many events wait to be published; then none may be added. */
  hasRoom(): boolean;
  /** Registers this writer. No transaction may begin before. */
  start(): Promise<void>;
  /** Stops sending; a later process adopts the unsent events. */
  stop(): Promise<void>;
  /** Events committed and not yet accepted by the bus. */
  pending(): number;
  /** For how long (ms) the oldest of them has waited; 0 if there is none. */
  oldestPendingMs(): number;
  /** For how long (ms) it has sent nothing because the outcome of a commit is unknown; 0 if none is. */
  blockedForMs(): number;
  /** For how long (ms) the oldest transaction has been under way; 0 if there is none. */
  oldestTransactionMs(): number;
}

export interface OutboxOptions {
  readonly store: OutboxStore;
  /** Resolves when the bus has accepted the event durably. */
  readonly send: (event: DomainEnvelope, options: { resent: boolean }) => Promise<void>;
  readonly log: Log;
  readonly clock: Clock;
  /** Events being sent at the same time. */
  readonly window?: number;
  /** Unpublished events in memory; beyond this, new ones are rejected with `OUTBOX_FULL`. */
  readonly capacity?: number;
  /** Interval of the checkpoints (ms). */
  readonly checkpointMs?: number;
  /** Interval of the search for processes that have ended (ms). */
  readonly adoptMs?: number;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
const ROOM_LIMIT_MS = 5000;

export function createOutbox(options: OutboxOptions): Outbox {
  return new PublishingOutbox(options);
}

class PublishingOutbox implements Outbox {
  readonly #options: Required<OutboxOptions>;
  readonly #queue = new SendQueue();
  readonly #transactions = new OpenTransactions();
  readonly #unknown: UnknownCommits;
  readonly #adoption: Adoption;
  #state: "sending" | "retrying" | "stopped" = "sending";
  #isSendScheduled = false;
  /** Since when (`performance.now()`) nothing is sent because the outcome of a commit is unknown. */
  #blockedSince: number | null = null;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #checkpointing: Promise<void> = Promise.resolve();
  readonly #roomWaiters: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    const { store, log } = options;
    this.#options = { window: 20_000, capacity: 50_000, checkpointMs: 500, adoptMs: 60_000, ...options };
    this.#unknown = createUnknownCommits({ store, log, onKnown: this.#onKnown });
    this.#adoption = createAdoption({
      store,
      log,
      everyMs: this.#options.adoptMs,
      enqueue: (events, onAccepted) => {
        this.#queue.adopt(events, onAccepted);
        this.#send();
        return this.#roomFree();
      },
    });
  }

  adoptAll = () => this.#adoption.adoptAll();
  adoptEnded = () => this.#adoption.adoptEnded();
  pending = (): number => this.#queue.pending + this.#unknown.count();
  oldestPendingMs(): number {
    const { oldestAt } = this.#queue;
    return oldestAt === undefined ? 0 : Math.max(0, this.#options.clock.now() - oldestAt);
  }
  hasRoom = (): boolean => this.pending() < this.#options.capacity;

  blockedForMs = (): number =>
    this.#isBlocked() && this.#blockedSince !== null
      ? Math.max(1, performance.now() - this.#blockedSince)
      : 0;

  oldestTransactionMs(): number {
    const begunAt = this.#transactions.oldestBegunAt();
    return begunAt === undefined ? 0 : performance.now() - begunAt;
  }

  open(): Ticket {
    const floor = eventId();
    this.#transactions.begin(floor, performance.now());
    const ended = (events: readonly DomainEnvelope[]) => {
      this.#transactions.end(floor);
      this.#queue.add(events, { resent: false, now: this.#options.clock.now() });
      this.#sendAfterCommit();
    };
    return {
      writer: this.#options.store.writer,
      committed: ended,
      aborted: () => ended([]),
      delayed: () => {
        this.#transactions.to("delayed", floor);
        this.#isBlocked();
      },
      unknown: (events) => {
        if (events.length === 0) return ended([]);
        // Its floor stays: a checkpoint taken before the outcome is known must not pass any of its events.
        this.#transactions.to("unknown", floor);
        this.#unknown.add({ floor, events });
        this.#send();
      },
    };
  }

  async start(): Promise<void> {
    const position = eventId();
    this.#queue.startAt(position);
    await this.#options.store.register(position);
    const tick = () => {
      this.#checkpointTimer = setTimeout(
        () => void this.#checkpoint().then(() => this.#state !== "stopped" && tick()),
        this.#options.checkpointMs,
      );
    };
    tick();
  }

  async stop(): Promise<void> {
    const { store, log } = this.#options;
    this.#state = "stopped";
    this.#adoption.stop();
    this.#unknown.stop();
    clearTimeout(this.#checkpointTimer);
    clearTimeout(this.#retryTimer);
    await this.#checkpointing;
    // A transaction that is still open may still commit: then its events are found after the checkpoint.
    if (this.pending() > 0 || this.#transactions.size > 0) return this.#checkpoint();
    await store.remove(store.writer).catch((error: unknown) => {
      log.warn(
        { reason: errorMessage(error) },
        "the outbox stays listed and will be searched for unsent events",
      );
    });
  }

  /** No event may overtake a commit whose outcome is unknown. */
  #isBlocked(): boolean {
    const isUnknown = this.#transactions.delayed > 0 || this.#unknown.count() > 0;
    if (!isUnknown) this.#blockedSince = null;
    else this.#blockedSince ??= performance.now();
    return isUnknown;
  }

  /**
   * Sends when all pending promise jobs have run: by then the command handler has the new states in memory. Otherwise a
   * receiver in this process could read the state before the event that it has received.
   */
  #sendAfterCommit(): void {
    if (this.#isSendScheduled) return;
    this.#isSendScheduled = true;
    process.nextTick(() => {
      this.#isSendScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#isBlocked() || this.#state !== "sending") return;
    const { clock, window, send } = this.#options;
    const now = clock.now();
    for (let entry = this.#queue.take(now, window); entry; entry = this.#queue.take(now, window)) {
      const sent = entry;
      send(sent.event, { resent: sent.resent }).then(
        () => this.#accept(sent),
        (error: unknown) => this.#postpone(sent, error),
      );
    }
  }

  #accept(entry: Entry): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#queue.accepted(entry);
    if (this.#roomWaiters.length > 0 && this.hasRoom())
      for (const resolve of this.#roomWaiters.splice(0)) resolve();
    if (this.#queue.waiting > 0) this.#send();
  }

  #postpone(entry: Entry, error: unknown): void {
    const { log } = this.#options;
    const reason = errorMessage(error);
    if (errorType(error) === "EVENT_TOO_LARGE") {
      const { id, type } = entry.event;
      log.error({ id, type, reason }, "the bus can never accept this event; no service receives it");
      this.#queue.setAside();
      if (this.#queue.waiting > 0) this.#send();
      return;
    }
    this.#queue.refused(entry);
    if (this.#state !== "sending") return;
    this.#state = "retrying";
    log.warn({ reason, retryMs: this.#retryMs }, "the bus refuses events; the outbox holds them");
    this.#retryTimer = setTimeout(() => {
      this.#state = "sending";
      this.#queue.requeueRefused();
      this.#send();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  readonly #onKnown = (floors: readonly string[], stored: readonly DomainEnvelope[]): void => {
    for (const floor of floors) this.#transactions.end(floor);
    this.#queue.add(stored, { resent: true, now: this.#options.clock.now() });
    this.#queue.sort();
    this.#send();
  };

  /**
   * Resolves when there is room, or after a limit even if the bus is still down, so that a scheduler can give up its
   * lease.
   */
  #roomFree(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#roomWaiters.push(resolve);
      setTimeout(resolve, ROOM_LIMIT_MS).unref();
    });
  }

  #checkpoint(): Promise<void> {
    const { store, log } = this.#options;
    const checkpoint = this.#queue.checkpoint(this.#transactions.floors());
    this.#checkpointing = store.checkpoint(checkpoint).catch((error: unknown) => {
      log.warn({ reason: errorMessage(error) }, "the outbox cannot store its checkpoint; it tries again");
    });
    return this.#checkpointing;
  }
}

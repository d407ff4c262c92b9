import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage, errorType } from "../errors.ts";
import { Fifo } from "../fifo.ts";
import { eventId } from "../ids.ts";
import type { Log } from "../log.ts";
import { type Adoption, createAdoption } from "./outbox-adoption.ts";
import type { OutboxLedger } from "./outbox-ledger.ts";
import { checkpointOf } from "./outbox-position.ts";
import { createSuspects } from "./outbox-suspects.ts";

/** What an event store tells the outbox about one transaction. */
export interface Ticket {
  /** Goes into the events, so that they can be found again. */
  readonly writer: string;
  committed(events: readonly DomainEnvelope[]): void;
  aborted(): void;
  /** Its end is not known in time and will be told later: nothing is sent before, so that nothing overtakes it. */
  delayed(): void;
  /** The answer to the commit was lost: which of these were stored is looked up before anything else is sent. */
  unknown(events: readonly DomainEnvelope[]): void;
}

/**
 * Publishes what has been committed: at least once, in order per stream, whatever crashes. The events in the store
 * are the queue; a checkpoint says how far the bus has accepted them, and what lies behind it is sent again.
 */
export interface Outbox extends Pick<Adoption, "adoptAll" | "adoptEnded"> {
  /** Before each transaction. */
  open(): Ticket;
  /** False while the bus has not taken earlier events; then none may be added. */
  hasRoom(): boolean;
  /** Registers this writer; nothing may be opened before. */
  start(): Promise<void>;
  /** Sends no more; what is unsent is adopted by a later process. */
  stop(): Promise<void>;
  /** Events committed and not yet accepted by the bus. */
  pending(): number;
  /** For how long (ms) it has sent nothing because the outcome of a commit is unknown; 0 where that is not so. */
  blockedForMs(): number;
  /** For how long (ms) the oldest transaction has been under way; 0 where there is none. */
  oldestTransactionMs(): number;
}

export interface OutboxOptions {
  readonly ledger: OutboxLedger;
  /** Resolves when the bus has accepted the event durably. */
  readonly send: (event: DomainEnvelope, options: { resent: boolean }) => Promise<void>;
  readonly log: Log;
  readonly clock: Clock;
  /** Events on their way at the same time. */
  readonly window?: number;
  /** Events held in memory; beyond it new ones are refused. */
  readonly capacity?: number;
  readonly checkpointMs?: number;
  /** Between two looks for processes that have ended. */
  readonly adoptMs?: number;
}

interface Entry {
  readonly event: DomainEnvelope;
  readonly resent: boolean;
  /** When it was queued (ms since the epoch); 0 for an event that is marked as sent again anyway. */
  readonly queuedAt: number;
  /** Set for an event adopted from another writer, which our checkpoint does not cover. */
  readonly onAccepted?: () => void;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
const ROOM_LIMIT_MS = 5000;
/**
 * What waited here for longer may have been sent by a successor meanwhile, and the bus recognises a repetition by its
 * id for two minutes only. So it is sent as sent again.
 */
const FRESH_MS = 30_000;

export function createOutbox(options: OutboxOptions): Outbox {
  const { ledger, send, log, clock, window = 20_000, capacity = 50_000, checkpointMs = 500 } = options;
  const adoption = createAdoption({
    ledger,
    log,
    everyMs: options.adoptMs ?? 60_000,
    enqueue(events, onAccepted) {
      for (const event of events) queue.push({ event, resent: true, queuedAt: 0, onAccepted });
      pump();
      return roomFree();
    },
  });
  /** An id below all events of each open transaction, and when it began: no checkpoint may pass it. */
  const openFloors = new Map<string, number>();
  /** Ours that the bus has not accepted, in the order of their commits. */
  const unaccepted = new Set<string>();
  const queue = new Fifo<Entry>();
  let refused: Entry[] = [];
  let sending = 0;
  /** Transactions that nobody waits for any more and that may still commit. */
  let delayed = 0;
  /** Since when (`performance.now()`) nothing is sent because the outcome of a commit is unknown. */
  let blockedSince: number | null = null;
  let highWater = "";
  let retryMs = FIRST_RETRY_MS;
  let retryTimer: NodeJS.Timeout | undefined;
  let checkpointTimer: NodeJS.Timeout | undefined;
  let checkpointing: Promise<void> = Promise.resolve();
  const roomWaiters: (() => void)[] = [];
  let stopped = false;

  /** Nothing may overtake a commit whose outcome is unknown. */
  function isBlocked(): boolean {
    const isUnknown = delayed > 0 || suspects.count() > 0;
    if (!isUnknown) blockedSince = null;
    else blockedSince ??= performance.now();
    return isUnknown;
  }

  function pump(): void {
    if (isBlocked() || stopped || retryTimer) return;
    while (queue.size > 0 && sending < window) transmit(queue.shift() as Entry);
  }

  function transmit(entry: Entry): void {
    sending += 1;
    const resent = entry.resent || clock.now() - entry.queuedAt > FRESH_MS;
    send(entry.event, { resent }).then(
      () => accept(entry),
      (error: unknown) => postpone(entry, error),
    );
  }

  function accept(entry: Entry): void {
    sending -= 1;
    retryMs = FIRST_RETRY_MS;
    unaccepted.delete(entry.event.id);
    entry.onAccepted?.();
    if (roomWaiters.length > 0 && hasRoom()) for (const wake of roomWaiters.splice(0)) wake();
    if (queue.size > 0) pump();
  }

  /** What the bus refused goes to the front again in its old order, and everything waits a little. */
  function postpone(entry: Entry, error: unknown): void {
    sending -= 1;
    if (errorType(error) === "EVENT_TOO_LARGE") {
      setAside(entry, error);
      return;
    }
    refused.push({ ...entry, resent: true });
    if (retryTimer || stopped) return;
    log.warn({ reason: errorMessage(error), retryMs }, "the bus refuses events; the outbox holds them");
    retryLater(() => {
      queue.putFirst(refused.sort(byId));
      refused = [];
    });
  }

  /** Stays unaccepted, so that it is named by every checkpoint and seen again at the next start. */
  function setAside({ event }: Entry, error: unknown): void {
    const { id, type } = event;
    log.error(
      { id, type, reason: errorMessage(error) },
      "the bus can never take this event; nobody hears of it",
    );
    if (queue.size > 0) pump();
  }

  function retryLater(then: () => void): void {
    retryTimer = setTimeout(() => {
      retryTimer = undefined;
      then();
      pump();
    }, retryMs);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  function enqueue(events: readonly DomainEnvelope[], resent: boolean): void {
    const queuedAt = clock.now();
    for (const event of events) {
      unaccepted.add(event.id);
      if (event.id > highWater) highWater = event.id;
      queue.push({ event, resent, queuedAt });
    }
  }

  /** Until it is known which of them were stored, nothing is sent: a later event must not overtake them. */
  const suspects = createSuspects({
    ledger,
    log,
    onKnown(floors, stored) {
      for (const floor of floors) openFloors.delete(floor);
      enqueue(stored, true);
      for (const entry of queue.drain().sort(byId)) queue.push(entry);
      pump();
    },
  });

  const pending = () => unaccepted.size + suspects.count() + refused.length;
  const hasRoom = () => pending() < capacity;
  /** A bus that is away for long must not keep a scheduler from giving up its lease: then the next chunk comes all the same. */
  const roomFree = () =>
    new Promise<void>((resolve) => {
      if (hasRoom()) return resolve();
      roomWaiters.push(resolve);
      setTimeout(resolve, ROOM_LIMIT_MS).unref();
    });

  function checkpoint(): Promise<void> {
    const mark = checkpointOf({ highWater, openFloors: openFloors.keys(), unaccepted });
    checkpointing = ledger.checkpoint(mark).catch((error: unknown) => {
      log.warn({ reason: errorMessage(error) }, "the outbox cannot store its checkpoint; it tries again");
    });
    return checkpointing;
  }

  return {
    open() {
      const floor = eventId();
      let isDelayed = false;
      const answered = () => {
        if (isDelayed) delayed -= 1;
      };
      const ended = () => {
        answered();
        openFloors.delete(floor);
      };
      openFloors.set(floor, performance.now());
      return {
        writer: ledger.writer,
        committed(events) {
          ended();
          enqueue(events, false);
          pump();
        },
        aborted() {
          ended();
          pump();
        },
        delayed() {
          isDelayed = true;
          delayed += 1;
          isBlocked();
        },
        unknown(events) {
          if (events.length === 0) return this.aborted();
          answered();
          // Its floor stays: a checkpoint taken before the outcome is known must not pass any of its events.
          suspects.add({ floor, events });
          pump();
        },
      };
    },

    async start() {
      highWater = eventId();
      await ledger.register(highWater);
      const tick = () => {
        checkpointTimer = setTimeout(() => void checkpoint().then(() => !stopped && tick()), checkpointMs);
      };
      tick();
    },

    adoptAll: adoption.adoptAll,
    adoptEnded: adoption.adoptEnded,

    async stop() {
      stopped = true;
      adoption.stop();
      suspects.stop();
      clearTimeout(checkpointTimer);
      clearTimeout(retryTimer);
      await checkpointing;
      // A transaction that is still open may commit yet: then its events are found behind the checkpoint.
      if (pending() > 0 || openFloors.size > 0) return void (await checkpoint());
      await ledger.forget(ledger.writer).catch((error: unknown) => {
        log.warn({ reason: errorMessage(error) }, "the outbox stays listed and will be looked through");
      });
    },

    hasRoom,
    pending,
    blockedForMs: () =>
      isBlocked() && blockedSince !== null ? Math.max(1, performance.now() - blockedSince) : 0,
    oldestTransactionMs() {
      const [begunAt] = openFloors.values();
      return begunAt === undefined ? 0 : performance.now() - begunAt;
    },
  };
}

/** Ids of one writer ascend in the order of its commits. */
const byId = (a: Entry, b: Entry): number => (a.event.id < b.event.id ? -1 : 1);

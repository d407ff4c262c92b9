import type { ClientSession } from "mongodb";
import type { DomainEnvelope, DomainEvent } from "../contracts/catalogue.ts";
import type { Causation } from "../contracts/event.ts";
import { AppError } from "../errors.ts";

/** An event with its place in its stream. */
export type StoredEvent = DomainEnvelope & { readonly version: number };

/** What a unit of work does to streams; its writes to read models go through `session`. */
export interface Transaction {
  readonly session: ClientSession;
  /** Which of the store's sessions it is, from 0: no two transactions under way at the same time have the same. */
  readonly slot: number;
  /**
   * Appends new events after `expectedVersion` (0: a new stream); they are published once the transaction has
   * committed. Answers them as they are stored. Throws at once: `CONTRACT_VIOLATION`, and `OUTBOX_FULL` (retryable)
   * while the store has no room. A version that is taken surfaces from `transact`.
   */
  append(append: Append): readonly DomainEnvelope[];
  /** Stores events that the bus has delivered, under their own ids; they are not published again. */
  keep(stream: string, expectedVersion: number, events: readonly DomainEnvelope[]): void;
  /** Tells which of these event ids are stored already. */
  stored(ids: readonly string[]): Promise<(id: string) => boolean>;
}

export interface Append {
  readonly stream: string;
  readonly expectedVersion: number;
  readonly events: readonly DomainEvent[];
  readonly cause?: Causation | undefined;
}

/** Events and the state that follows from them, stored together or not at all. */
export interface EventStore {
  /**
   * Runs `work` in one transaction and commits it durably; then hands the appended events to the outbox, which
   * publishes them at least once, in order per stream, even across a crash.
   *
   * `work` runs again where the store asks for it (a write conflict, a lost connection), so it must not have
   * effects of its own. Errors: `STREAM_CONFLICT` (somebody else appended first: load and decide again; retryable),
   * `STORE_UNAVAILABLE` (retryable; an `OutcomePending` where the transaction may yet commit), and whatever `work`
   * throws, with nothing stored.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /**
   * False while the bus has not taken too many earlier events. A transaction that appends none needs no room: what
   * settles an event must not wait for events that are waiting for it.
   */
  hasRoom(): boolean;
  /** A whole stream, oldest first; empty where there is none. */
  readStream(stream: string): Promise<readonly StoredEvent[]>;
}

/** Somebody else appended to a stream first, or the same event was stored before. */
export class StreamConflict extends AppError {
  constructor(cause: unknown) {
    super("Another writer changed the same stream first; load it and decide again.", {
      type: "STREAM_CONFLICT",
      cause,
    });
  }
}

/** The store does not answer in time; what was asked may or may not have been stored. */
export class StoreUnavailable extends AppError {
  constructor(cause: unknown, message = "MongoDB does not answer; try again.") {
    super(message, {
      type: "STORE_UNAVAILABLE",
      cause,
    });
  }
}

/**
 * The time limit passed while the transaction was still under way, so that it may yet commit. Who must not act before
 * its outcome is known waits for `ended`, which never rejects.
 */
export class OutcomePending extends StoreUnavailable {
  readonly ended: Promise<void>;

  constructor(limitMs: number, ended: Promise<void>) {
    super(new Error(`not done within ${limitMs} ms`));
    this.ended = ended;
  }
}

/** The bus has not taken what is stored already; more would only wait behind it. */
export class OutboxFull extends AppError {
  constructor() {
    super("The bus has not accepted too many earlier events yet; try again when it has.", {
      type: "OUTBOX_FULL",
    });
  }
}

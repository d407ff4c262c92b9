import type { DomainEnvelope, DomainEvent } from "../contracts/catalogue.ts";
import type { Causation } from "../contracts/event.ts";
import { AppError } from "../errors.ts";

/** An event with its position in its stream. */
export type StoredEvent = DomainEnvelope & { readonly version: number };

/** What a unit of work does to streams. Adapters write to read models within the same transaction. */
export interface Transaction {
  /**
   * Appends new events after `expectedVersion` (0: a new stream); they are published once the transaction has
   * committed. Returns them as they are stored. A version that is taken surfaces from `transact`.
   *
   * @throws `CONTRACT_VIOLATION`; `OUTBOX_FULL` (retryable) while the outbox is full
   */
  append(append: Append): readonly DomainEnvelope[];
  /** Stores events that the bus has delivered, under their own ids; they are not published again. */
  keep(stream: string, expectedVersion: number, events: readonly DomainEnvelope[]): void;
  /** Returns those of these event ids that are stored already. */
  stored(ids: readonly string[]): Promise<ReadonlySet<string>>;
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
   * `work` runs again after a write conflict or a lost connection, so it must not have effects of its own.
   *
   * @throws `STREAM_CONFLICT` (another writer appended first: load and decide again; retryable);
   * `STORE_UNAVAILABLE` (retryable; an `OutcomePending` if the transaction may still commit); any error of `work`, with
   * nothing stored
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /**
   * False while too many earlier events wait to be published. A transaction that appends no event needs no room: the
   * handling of a received event must not wait for events that wait for it.
   */
  hasRoom(): boolean;
  /** A whole stream, oldest event first; empty for an unknown stream. */
  readStream(stream: string): Promise<readonly StoredEvent[]>;
}

/** Another writer appended to the stream first, or the same event was stored before. */
export class StreamConflict extends AppError {
  constructor(cause: unknown) {
    super("Another writer changed the same stream first; load it and decide again.", {
      type: "STREAM_CONFLICT",
      cause,
    });
  }
}

/** The store did not respond in time; the write may or may not have been stored. */
export class StoreUnavailable extends AppError {
  constructor(cause: unknown, message = "MongoDB does not answer; try again.") {
    super(message, {
      type: "STORE_UNAVAILABLE",
      cause,
    });
  }
}

/**
 * The time limit passed while the transaction was still under way, so it may still commit. A caller that must not act
 * before the outcome is known awaits `ended`, which never rejects.
 */
export class OutcomePending extends StoreUnavailable {
  readonly ended: Promise<void>;

  constructor(limitMs: number, ended: Promise<void>) {
    super(new Error(`not done within ${limitMs} ms`));
    this.ended = ended;
  }
}

/** Too many stored events wait to be published. */
export class OutboxFull extends AppError {
  constructor() {
    super("The bus has not accepted too many earlier events yet; try again when it has.", {
      type: "OUTBOX_FULL",
    });
  }
}

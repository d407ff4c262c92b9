import { CommandFault } from "../bson/fault.ts";
import { Binary, type BsonDocument, documentOf } from "../bson/values.ts";
import type { Engine } from "../engine/engine.ts";
import type { Transaction } from "../engine/transaction.ts";
import { decodeOutcomes, encodeOutcomes, type StatementOutcome } from "./statement-outcomes.ts";

export type TransactionState = "none" | "open" | "committed" | "aborted";

/** Transactions of all sessions since the start of the server. */
export interface TransactionCounts {
  started: number;
  committed: number;
  aborted: number;
}

const NOTHING_TO_ABORT = Promise.resolve();
const TRANSIENT = ["TransientTransactionError"];

/** One logical session: the number, state and outcomes of its latest transaction or retryable write. */
export class Session {
  /** The session's 16 bytes as a string with one character per byte. */
  readonly key: string;
  lastUsed = Date.now();
  /** Number of commands in progress. A session with any does not expire. */
  running = 0;
  number = -1n;
  state: TransactionState = "none";
  transaction: Transaction | null = null;
  outcomes: Map<number, StatementOutcome> = new Map();
  /** Settles when the latest retryable write of the session is stored. */
  stored: Promise<void> = Promise.resolve();
  readonly #counts: TransactionCounts;
  #turn: PromiseWithResolvers<void> | null = null;

  constructor(key: string, counts: TransactionCounts) {
    this.key = key;
    this.#counts = counts;
  }

  /**
   * Runs numbered commands one at a time: a retry during the first attempt must find its outcome instead of
   * executing it again.
   */
  async inTurn<T>(work: () => Promise<T> | T): Promise<T> {
    while (this.#turn !== null) await this.#turn.promise;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn;
    try {
      return await work();
    } finally {
      this.#turn = null;
      turn.resolve();
    }
  }

  /**
   * Begins a transaction with its first statement.
   * @throws CommandFault 225 for a number lower than the session's latest, 50911 for one in use
   */
  startTransaction(number: bigint, engine: Engine): Transaction {
    this.#requireNotOlder(number);
    const isTaken = number === this.number && (this.state === "open" || this.state === "committed");
    if (isTaken || (number === this.number && this.outcomes.size > 0)) {
      throw new CommandFault(
        50911,
        `Cannot start a transaction at given transaction number ${number}: it is ${this.state}`,
      );
    }
    void this.abort(engine);
    this.#enter(number, "open");
    this.transaction = engine.begin({ isPlain: false });
    this.#counts.started += 1;
    return this.transaction;
  }

  /** @throws CommandFault 251 if no such transaction is open */
  continueTransaction(number: bigint): Transaction {
    this.#requireNotOlder(number);
    if (number === this.number && this.state === "open") return this.transaction!;
    if (number === this.number && this.state === "committed") {
      throw new CommandFault(256, `Transaction with { txnNumber: ${number} } has been committed.`);
    }
    throw noSuchTransaction(number, this.number === number && this.state === "aborted");
  }

  /** Begins a retryable write; outcomes of an earlier attempt with the same number are kept. */
  startRetryableWrite(number: bigint, engine: Engine): void {
    this.#requireNotOlder(number);
    if (number === this.number) {
      if (this.state === "none") return;
      throw new CommandFault(
        50911,
        `Cannot start a retryable write at transaction number ${number}: it names a transaction`,
      );
    }
    void this.abort(engine);
    this.#enter(number, "none");
  }

  /** @throws WriteConflict if the transaction cannot commit; it is aborted then */
  async commit(number: bigint, engine: Engine): Promise<void> {
    if (number === this.number && this.state === "committed") return this.#committed;
    const transaction = this.continueTransaction(number);
    this.state = "committed";
    this.transaction = null;
    try {
      this.#committed = engine.commit(transaction, transaction.writes.length > 0 ? this.entry() : null);
      await this.#committed;
      this.#counts.committed += 1;
    } catch (error) {
      // A commit that failed in the store keeps its state: whether it is on disk is unknown.
      if (transaction.committedAt === Number.POSITIVE_INFINITY) this.state = "aborted";
      throw error;
    }
  }
  #committed: Promise<void> = Promise.resolve();

  /** Resolves when the transaction holds no documents or keys any more. */
  abort(engine: Engine): Promise<void> {
    if (this.transaction === null) return NOTHING_TO_ABORT;
    const aborted = engine.abort(this.transaction);
    this.#counts.aborted += 1;
    this.transaction = null;
    this.state = "aborted";
    return aborted;
  }

  /** The session's entry in the log. */
  entry(): BsonDocument {
    return documentOf({
      lsid: new Binary(Buffer.from(this.key, "latin1"), 4),
      number: this.number,
      isCommitted: this.state === "committed",
      outcomes: encodeOutcomes(this.outcomes),
    });
  }

  restore(entry: BsonDocument): void {
    this.number = entry.get("number") as bigint;
    this.state = entry.get("isCommitted") === true ? "committed" : "none";
    this.outcomes = decodeOutcomes(entry.get("outcomes") as BsonDocument[]);
  }

  #enter(number: bigint, state: TransactionState): void {
    this.number = number;
    this.state = state;
    this.outcomes = new Map();
  }

  #requireNotOlder(number: bigint): void {
    if (number >= this.number) return;
    throw new CommandFault(
      225,
      `Cannot start transaction ${number} on the session: a newer transaction ${this.number} has already started`,
    );
  }
}

export const noSuchTransaction = (number: bigint, isAborted = false): CommandFault =>
  new CommandFault(
    251,
    isAborted
      ? `Transaction with { txnNumber: ${number} } has been aborted.`
      : `Given transaction number ${number} does not match any in-progress transactions.`,
    [...TRANSIENT],
  );

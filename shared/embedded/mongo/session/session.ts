import { CommandFault } from "../bson/fault.ts";
import { Binary, type BsonDocument, documentOf } from "../bson/values.ts";
import type { Engine } from "../engine/engine.ts";
import type { Transaction } from "../engine/transaction.ts";
import { decodeOutcomes, encodeOutcomes, type StatementOutcome } from "./statement-outcomes.ts";

export type TransactionState = "none" | "open" | "committed" | "aborted";

/** Transactions of all sessions since the server has started. */
export interface TransactionCounts {
  started: number;
  committed: number;
  aborted: number;
}

const NOTHING_TO_ABORT = Promise.resolve();
const TRANSIENT = ["TransientTransactionError"];

/** One logical session: the number of its latest transaction or retryable write, and what became of it. */
export class Session {
  /** The session's 16 bytes as text of one character each. */
  readonly key: string;
  lastUsed = Date.now();
  /** Commands that are being carried out: such a session does not expire. */
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
   * Carries out numbered commands one at a time: a retry whose first try is still at work must find its outcome
   * instead of doing it again.
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
   * Enters a transaction's first statement.
   * @throws CommandFault 225 for a number that the session has left behind, 50911 for one that is taken
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

  /** @throws CommandFault 251 where no such transaction is open */
  continueTransaction(number: bigint): Transaction {
    this.#requireNotOlder(number);
    if (number === this.number && this.state === "open") return this.transaction!;
    if (number === this.number && this.state === "committed") {
      throw new CommandFault(256, `Transaction with { txnNumber: ${number} } has been committed.`);
    }
    throw noSuchTransaction(number, this.number === number && this.state === "aborted");
  }

  /** Enters a retryable write: outcomes of an earlier try of the same number are kept. */
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

  /** @throws WriteConflict where the transaction cannot commit: it is aborted then */
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
      // A commit that was only not stored stands: whether it is on the disk is not known.
      if (transaction.committedAt === Number.POSITIVE_INFINITY) this.state = "aborted";
      throw error;
    }
  }
  #committed: Promise<void> = Promise.resolve();

  /** Resolves when nothing of the transaction is left that could stand in anybody's way. */
  abort(engine: Engine): Promise<void> {
    if (this.transaction === null) return NOTHING_TO_ABORT;
    const aborted = engine.abort(this.transaction);
    this.#counts.aborted += 1;
    this.transaction = null;
    this.state = "aborted";
    return aborted;
  }

  /** What the log keeps of the session. */
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

import { CommandFault } from "../../bson/fault.ts";
import type { Transaction } from "../../engine/transaction.ts";
import { WriteConflict } from "../../engine/write-conflict.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { CloseConnection } from "../../wire/connection.ts";
import { asFault } from "../../wire/reply.ts";
import { numberOf } from "../request/arguments.ts";
import type { CommandContext } from "../request/context.ts";

/** Executes statement `index` inside the transaction. */
export type Statement = (
  transaction: Transaction,
  index: number,
) => StatementOutcome | Promise<StatementOutcome>;

/**
 * The statements of one write command.
 *
 * Inside a transaction they are part of it, and the client handles conflicts. Outside, they share one internal
 * transaction: a statement that conflicts is rolled back, the statements before it are committed, and it is retried
 * when the other writer has ended. Statements that an earlier attempt of a retryable write has executed are not
 * executed again; their stored outcome is returned.
 */
export class WriteRun {
  readonly #context: CommandContext;
  readonly #slice: TimeSlice;
  readonly #firstStatementId: number;
  readonly #statementIds: readonly unknown[] | null;
  /** Statements whose outcome came from an earlier attempt. */
  readonly retriedStatements: number[] = [];
  #transaction: Transaction;
  /** Statements whose outcomes are recorded but not committed yet. */
  #uncommitted: number[] = [];
  #stored: Promise<void> = Promise.resolve();
  /** Resolves when everything that a transaction without writes has read is durable. */
  #readDurable: Promise<void> = Promise.resolve();

  constructor(context: CommandContext, slice: TimeSlice) {
    this.#context = context;
    this.#slice = slice;
    if (context.args.value("stmtId") !== undefined && context.args.value("stmtIds") !== undefined)
      throw new CommandFault(72, "May not specify both stmtId and stmtIds in write command");
    this.#firstStatementId = numberOf(context.args.value("stmtId")) ?? 0;
    const ids = context.args.value("stmtIds");
    this.#statementIds = Array.isArray(ids) ? ids : null;
    this.#transaction = context.transaction ?? this.#begin();
    // In a transaction, each command sets this.
    this.#transaction.bypassesRules = context.args.flag("bypassDocumentValidation");
  }

  /** @throws CommandFault of the statement; its earlier writes are kept, as on a real server */
  run(index: number, statement: Statement): StatementOutcome | Promise<StatementOutcome> {
    const known = this.#knownOutcome(index);
    if (known !== undefined) return known;
    if (this.#slice.isOver()) return this.#pauseAndRun(index, statement);
    const outcome = this.#attempt(index, statement);
    return outcome instanceof Promise ? this.#noteLater(index, outcome) : this.#note(index, outcome);
  }

  /** Commits the internal transaction; resolves when it is stored. */
  async finish(): Promise<void> {
    const { isRetryable, server, transaction } = this.#context;
    const interrupted = isRetryable ? server.failPoints.takeWrite() : null;
    if (interrupted?.isCommitted === false) this.dispose();
    else if (transaction === null) this.#commit();
    await this.#stored;
    await this.#readDurable;
    if (interrupted !== null) throw new CloseConnection();
  }

  #knownOutcome(index: number): StatementOutcome | undefined {
    const { isRetryable, session } = this.#context;
    if (!isRetryable) return undefined;
    const id = this.#statementId(index);
    const known = session!.outcomes.get(id);
    if (known === undefined) return undefined;
    // The first attempt may not be durable yet: nothing is acknowledged before it is.
    this.#stored = session!.stored;
    this.retriedStatements.push(id);
    return known;
  }

  async #pauseAndRun(index: number, statement: Statement): Promise<StatementOutcome> {
    await this.#slice.pause();
    return this.#note(index, await this.#attempt(index, statement));
  }

  async #noteLater(index: number, outcome: Promise<StatementOutcome>): Promise<StatementOutcome> {
    return this.#note(index, await outcome);
  }

  #note(index: number, outcome: StatementOutcome): StatementOutcome {
    const { isRetryable, session } = this.#context;
    if (!isRetryable) return outcome;
    const id = this.#statementId(index);
    session!.outcomes.set(id, outcome);
    this.#uncommitted.push(id);
    return outcome;
  }

  /** Most statements neither wait nor conflict, so they need no promise. */
  #attempt(index: number, statement: Statement): StatementOutcome | Promise<StatementOutcome> {
    const mark = this.#transaction.writes.length;
    try {
      const outcome = statement(this.#transaction, index);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((error) => this.#tryAgain(error, { index, statement, mark }));
    } catch (error) {
      return this.#tryAgain(error, { index, statement, mark });
    }
  }

  async #tryAgain(
    error: unknown,
    { index, statement, mark }: { index: number; statement: Statement; mark: number },
  ): Promise<StatementOutcome> {
    if (!(error instanceof WriteConflict) || this.#context.transaction !== null) throw error;
    await this.#context.server.engine.rollback(this.#transaction, mark);
    const { finished } = this.#transaction;
    this.#commit();
    // The next transaction must see the writes of this one.
    await finished;
    if (error.holder !== null) await this.#slice.wait(error.holder.finished);
    this.#slice.requireTime();
    this.#transaction = this.#begin();
    return this.#attempt(index, statement);
  }

  #begin(): Transaction {
    const { engine } = this.#context.server;
    engine.requireWritableStore();
    const transaction = engine.begin({ isPlain: true });
    transaction.bypassesRules = this.#context.args.flag("bypassDocumentValidation");
    return transaction;
  }

  #commit(): void {
    if (!this.#transaction.isOpen && !this.#transaction.isVoid) return;
    const { server, session } = this.#context;
    const entry = this.#uncommitted.length > 0 ? session!.entry() : null;
    const isEmpty = entry === null && this.#transaction.writes.length === 0;
    const stored = server.engine.commit(this.#transaction, entry);
    const committed = this.#uncommitted;
    this.#uncommitted = [];
    if (isEmpty) {
      this.#readDurable = server.engine.durable();
      return;
    }
    // The log is ordered: when the last part is stored, all earlier parts and everything that they read are
    // stored too. A failure also fails each later part.
    this.#stored = stored;
    if (session === null) {
      stored.catch(() => {});
      return;
    }
    session.stored = stored;
    const { outcomes } = session;
    // A write that failed must not be found by a retry.
    stored.catch(() => {
      for (const id of committed) outcomes.delete(id);
    });
  }

  #statementId(index: number): number {
    const listed = this.#statementIds?.[index];
    return listed === undefined ? this.#firstStatementId + index : Number(listed);
  }

  /** Rolls back what an unexpected error left open, and removes the outcomes that a retry must not find. */
  dispose(): void {
    const { server, session, transaction } = this.#context;
    for (const id of this.#uncommitted) session!.outcomes.delete(id);
    if (transaction === null) void server.engine.abort(this.#transaction);
  }
}

export interface StatementError {
  readonly index: number;
  readonly fault: CommandFault;
}

export interface Batch {
  readonly count: number;
  readonly isOrdered: boolean;
  readonly statement: Statement;
  readonly onOutcome: (index: number, outcome: StatementOutcome) => void;
}

export interface BatchResult {
  /** Only the first error if the batch is ordered. */
  readonly errors: readonly StatementError[];
  readonly retriedStatements: readonly number[];
}

/**
 * Runs a batch of statements.
 *
 * @throws WriteConflict inside a transaction
 */
export async function runBatch(
  context: CommandContext,
  slice: TimeSlice,
  { count, isOrdered, statement, onOutcome }: Batch,
): Promise<BatchResult> {
  const run = new WriteRun(context, slice);
  const errors: StatementError[] = [];
  try {
    for (let index = 0; index < count; index++) {
      try {
        const outcome = run.run(index, statement);
        onOutcome(index, outcome instanceof Promise ? await outcome : outcome);
      } catch (error) {
        if (isFatal(error, context)) throw error;
        errors.push({ index, fault: asFault(error) });
        if (context.transaction !== null) await context.session!.abort(context.server.engine);
        if (isOrdered || context.transaction !== null) break;
      }
    }
    await run.finish();
  } finally {
    run.dispose();
  }
  return { errors, retriedStatements: run.retriedStatements };
}

/** Errors of the whole command, not of one statement. */
const isFatal = (error: unknown, { transaction }: CommandContext): boolean =>
  !(error instanceof CommandFault) ||
  (error instanceof WriteConflict && transaction !== null) ||
  error.code === 50 ||
  error.code === 14031;

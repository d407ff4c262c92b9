import type { Collection, MongoClient, TransactionOptions } from "mongodb";
import type { Clock } from "../clock.ts";
import { type EventDocument, fromEventDocument } from "./event-document.ts";
import { type EventStore, StoreUnavailable, type Transaction } from "./event-store.ts";
import { mayHaveCommitted, toStoreError, withStoreErrors } from "./mongo-errors.ts";
import { MongoTransaction } from "./mongo-transaction.ts";
import type { Outbox, Ticket } from "./outbox.ts";
import { createSessionPool, type SessionPool, type TakenSession } from "./session-pool.ts";
import { limitTransaction } from "./transaction-limit.ts";

export interface MongoEventStoreOptions {
  readonly client: MongoClient;
  readonly events: Collection<EventDocument>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** How long the caller of a transaction waits, retries included (ms). */
  readonly timeoutMs?: number;
  /** The sessions of its transactions; by default a pool of its own. */
  readonly sessions?: SessionPool;
  /** Is called with the duration of each transaction, for statistics. Must not throw. */
  readonly onEnded?: ((outcome: "committed" | "failed", ms: number) => void) | undefined;
  /**
   * Aborts transactions that may hold up another one: those of the given sessions of this process, and those of processes
   * that have ended or are suspended. Must not reject.
   */
  readonly endStuck?: (abandoned: readonly string[]) => Promise<void>;
}

const OPTIONS: TransactionOptions = {
  readConcern: { level: "snapshot" },
  writeConcern: { w: "majority" },
  readPreference: "primary",
};

/** A transaction that is repeated for longer than this conflicts with one that nothing ends. */
const HELD_UP_MS = 1000;

/**
 * The event store on MongoDB: snapshot reads, majority writes, one insert for all events of a transaction.
 *
 * The driver repeats a transaction for two minutes while MongoDB is unreachable, and its own time limits have no
 * effect. So `transact` rejects after `timeoutMs`; an attempt that is under way then continues, and its end is reported
 * to the outbox.
 *
 * A transaction whose process has ended, is suspended or has lost its connection holds its documents until the server
 * ends it after a minute. One that it holds up ends it earlier (see ADR 30).
 */
export function mongoEventStore({
  client,
  events,
  outbox,
  clock,
  timeoutMs = 10_000,
  sessions = createSessionPool(client),
  onEnded,
  endStuck = (abandoned) => sessions.endTransactions(abandoned),
}: MongoEventStoreOptions): EventStore {
  /** Sessions of this process whose transactions have not ended although their callers no longer wait. */
  const abandoned = new Set<string>();

  async function attempt<T>(work: Work<T>, ticket: Ticket, limit: Limit): Promise<T> {
    let transaction: MongoTransaction | undefined;
    let taken: TakenSession | undefined;
    let releaseAt = performance.now() + HELD_UP_MS;
    try {
      taken = await sessions.take();
      limit.session = taken.id;
      const { slot } = taken;
      const result = await taken.session.withTransaction(async (session) => {
        if (limit.isOver) throw new StoreUnavailable(new Error(`not done within ${timeoutMs} ms`));
        if (transaction && performance.now() > releaseAt) {
          await endStuck([...abandoned]);
          releaseAt = performance.now() + HELD_UP_MS;
        }
        transaction = new MongoTransaction({ session, slot, clock, events, outbox, writer: ticket.writer });
        const value = await work(transaction);
        const { documents } = transaction;
        if (documents.length > 0) await events.insertMany(documents, { session, ordered: true });
        return value;
      }, OPTIONS);
      ticket.committed(transaction?.appended ?? []);
      return result;
    } catch (error) {
      if (mayHaveCommitted(error)) ticket.unknown(transaction?.appended ?? []);
      else ticket.aborted();
      throw toStoreError(error);
    } finally {
      if (taken) abandoned.delete(taken.id);
      taken?.release();
    }
  }

  return {
    async transact(work) {
      const limit: Limit = { isOver: false, session: undefined };
      const ticket = outbox.open();
      const outcome = attempt(work, ticket, limit);
      if (onEnded) measure(outcome, onEnded);
      return limitTransaction(outcome, timeoutMs, () => {
        limit.isOver = true;
        if (limit.session) abandoned.add(limit.session);
        ticket.delayed();
      });
    },

    hasRoom: outbox.hasRoom,

    async readStream(stream) {
      const documents = await withStoreErrors(events.find({ stream }, { sort: { version: 1 } }).toArray());
      return documents.map(fromEventDocument);
    },
  };
}

function measure(outcome: Promise<unknown>, onEnded: NonNullable<MongoEventStoreOptions["onEnded"]>): void {
  const begunAt = performance.now();
  outcome.then(
    () => onEnded("committed", performance.now() - begunAt),
    () => onEnded("failed", performance.now() - begunAt),
  );
}

/** Whether the caller still waits, and the session of the transaction that it waits for. */
interface Limit {
  isOver: boolean;
  session: string | undefined;
}

type Work<T> = (transaction: Transaction) => Promise<T>;

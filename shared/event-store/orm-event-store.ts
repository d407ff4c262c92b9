import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { Clock } from "../clock.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import { type EventStore, StoreUnavailable, type Transaction } from "./event-store.ts";
import { isOutage, toStoreError, withStoreErrors } from "./orm-errors.ts";
import { type EventRow, fromEventRow, insertEvents } from "./orm-event-rows.ts";
import { OrmTransaction } from "./orm-transaction.ts";
import type { Outbox, Ticket } from "./outbox.ts";
import { limitTransaction } from "./transaction-limit.ts";

export interface OrmEventStoreOptions {
  /** Forked for each transaction. */
  readonly em: SqlEntityManager;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the caller of a transaction waits (ms). */
  readonly timeoutMs?: number;
}

type Work<T> = (transaction: Transaction) => Promise<T>;

/**
 * The event store on PostgreSQL: one unit of work for each transaction, one insert for its events.
 *
 * `transact` rejects after `timeoutMs`; a transaction that is under way then continues, and its end is reported to the
 * outbox.
 */
export function ormEventStore(options: OrmEventStoreOptions): EventStore {
  const { em: root, outbox, clock, log, timeoutMs = 10_000 } = options;

  async function attempt<T>(work: Work<T>, ticket: Ticket, limit: { isOver: boolean }): Promise<T> {
    const em = root.fork();
    const transaction = new OrmTransaction({ em, clock, outbox, writer: ticket.writer });
    let isCommitting = false;
    try {
      await em.begin();
      const result = await work(transaction);
      await em.flush();
      await insertEvents(em, transaction.rows);
      if (limit.isOver) throw new StoreUnavailable(new Error(`not done within ${timeoutMs} ms`));
      isCommitting = true;
      await em.commit();
      ticket.committed(transaction.appended);
      return result;
    } catch (error) {
      if (isCommitting && isOutage(error)) ticket.unknown(transaction.appended);
      else ticket.aborted();
      await rollBack(em, log);
      throw toStoreError(error);
    }
  }

  return {
    async transact(work) {
      const limit = { isOver: false };
      const ticket = outbox.open();
      const outcome = attempt(work, ticket, limit);
      return limitTransaction(outcome, timeoutMs, () => {
        limit.isOver = true;
        ticket.delayed();
      });
    },

    hasRoom: outbox.hasRoom,

    async readStream(stream) {
      const rows = await withStoreErrors(
        root
          .fork()
          .execute<EventRow[]>("select * from kinit_event where stream = ? order by version", [stream]),
      );
      return rows.map(fromEventRow);
    },
  };
}

/** A connection that is lost rolls back by itself. */
async function rollBack(em: SqlEntityManager, log: Log): Promise<void> {
  if (!em.isInTransaction()) return;
  await em
    .rollback()
    .catch((error: unknown) => log.debug({ reason: errorMessage(error) }, "a rollback failed"));
}

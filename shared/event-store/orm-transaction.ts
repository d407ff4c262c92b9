import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { type Append, OutboxFull, type Transaction } from "./event-store.ts";
import { type EventRow, storedIds, toEventRow } from "./orm-event-rows.ts";
import type { Outbox } from "./outbox.ts";

export interface OrmTransactionOptions {
  /** A unit of work of its own, in a transaction. */
  readonly em: SqlEntityManager;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, "hasRoom">;
  /** The outbox that publishes the appended events. */
  readonly writer: string;
}

/** A transaction on PostgreSQL. It collects its events, so that one insert at the end stores all of them. */
export class OrmTransaction implements Transaction {
  readonly em: SqlEntityManager;
  readonly rows: EventRow[] = [];
  /** The appended events, to be published after the commit. */
  readonly appended: DomainEnvelope[] = [];
  readonly #options: OrmTransactionOptions;

  constructor(options: OrmTransactionOptions) {
    this.em = options.em;
    this.#options = options;
  }

  append({ stream, expectedVersion, events, cause }: Append): readonly DomainEnvelope[] {
    const { outbox, clock, writer } = this.#options;
    if (!outbox.hasRoom()) throw new OutboxFull();
    const now = clock.now();
    const sealed = events.map((event) => seal(event, { subject: stream, now, cause }));
    for (const [index, envelope] of sealed.entries()) {
      this.rows.push(toEventRow(envelope, expectedVersion + 1 + index, writer));
      this.appended.push(envelope);
    }
    return sealed;
  }

  keep(_stream: string, expectedVersion: number, events: readonly DomainEnvelope[]): void {
    for (const [index, envelope] of events.entries())
      this.rows.push(toEventRow(envelope, expectedVersion + 1 + index, null));
  }

  stored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return storedIds(this.em, ids);
  }
}

/** The unit of work of a transaction, for adapters that read and write rows in it. Throws for one of another store. */
export function emOf(transaction: Transaction): SqlEntityManager {
  if (transaction instanceof OrmTransaction) return transaction.em;
  throw new TypeError("the transaction belongs to another store than PostgreSQL");
}

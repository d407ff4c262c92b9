import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { type CollectingOptions, CollectingTransaction } from "./collecting-transaction.ts";
import type { Transaction } from "./event-store.ts";
import { type EventRow, storedIds, toEventRow } from "./orm-event-rows.ts";

export interface OrmTransactionOptions extends CollectingOptions {
  /** A unit of work of its own, in a transaction. */
  readonly em: SqlEntityManager;
}

/** A transaction on PostgreSQL. */
export class OrmTransaction extends CollectingTransaction {
  readonly em: SqlEntityManager;
  readonly rows: EventRow[] = [];

  constructor(options: OrmTransactionOptions) {
    super(options);
    this.em = options.em;
  }

  stored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return storedIds(this.em, ids);
  }

  protected collect(envelope: DomainEnvelope, version: number, writer?: string): void {
    this.rows.push(toEventRow(envelope, version, writer ?? null));
  }
}

/** The unit of work of a transaction, for adapters that read and write rows in it. Throws for one of another store. */
export function emOf(transaction: Transaction): SqlEntityManager {
  if (transaction instanceof OrmTransaction) return transaction.em;
  throw new TypeError("the transaction belongs to another store than PostgreSQL");
}

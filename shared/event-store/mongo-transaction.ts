import type { ClientSession, Collection } from "mongodb";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { type CollectingOptions, CollectingTransaction } from "./collecting-transaction.ts";
import { type EventDocument, toEventDocument } from "./event-document.ts";
import type { Transaction } from "./event-store.ts";

export interface MongoTransactionOptions extends CollectingOptions {
  readonly session: ClientSession;
  readonly slot: number;
  readonly events: Collection<EventDocument>;
}

/** A transaction on MongoDB. */
export class MongoTransaction extends CollectingTransaction {
  readonly session: ClientSession;
  /** Position of the session in the store's pool, from 0; concurrent transactions have different slots. */
  readonly slot: number;
  readonly documents: EventDocument[] = [];
  readonly #events: Collection<EventDocument>;

  constructor(options: MongoTransactionOptions) {
    super(options);
    this.session = options.session;
    this.slot = options.slot;
    this.#events = options.events;
  }

  async stored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const query = { _id: { $in: [...ids] } };
    const options = { session: this.session, projection: { _id: 1 }, batchSize: ids.length } as const;
    const found = await this.#events.find(query, options).toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  protected collect(envelope: DomainEnvelope, version: number, writer?: string): void {
    this.documents.push(toEventDocument(envelope, version, writer));
  }
}

/** A transaction as the adapters of MongoDB see it. Throws for one of another store. */
export function mongoTransaction(transaction: Transaction): MongoTransaction {
  if (transaction instanceof MongoTransaction) return transaction;
  throw new TypeError("the transaction belongs to another store than MongoDB");
}

/** The driver's session that a write has to use to be part of the transaction. */
export const sessionOf = (transaction: Transaction): ClientSession => mongoTransaction(transaction).session;

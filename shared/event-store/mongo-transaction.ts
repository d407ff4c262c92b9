import type { ClientSession, Collection } from "mongodb";
import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { type EventDocument, toEventDocument } from "./event-document.ts";
import { type Append, OutboxFull, type Transaction } from "./event-store.ts";
import type { Outbox } from "./outbox.ts";

export interface MongoTransactionOptions {
  readonly session: ClientSession;
  readonly slot: number;
  readonly clock: Clock;
  readonly events: Collection<EventDocument>;
  readonly outbox: Pick<Outbox, "hasRoom">;
  /** The outbox that publishes the appended events. */
  readonly writer: string;
}

/** A transaction on MongoDB. It collects its events, so that one insert at the end stores all of them. */
export class MongoTransaction implements Transaction {
  readonly session: ClientSession;
  /** Position of the session in the store's pool, from 0; concurrent transactions have different slots. */
  readonly slot: number;
  readonly documents: EventDocument[] = [];
  /** The appended events, to be published after the commit. */
  readonly appended: DomainEnvelope[] = [];
  readonly #options: MongoTransactionOptions;

  constructor(options: MongoTransactionOptions) {
    this.session = options.session;
    this.slot = options.slot;
    this.#options = options;
  }

  append({ stream, expectedVersion, events, cause }: Append): readonly DomainEnvelope[] {
    const { outbox, clock, writer } = this.#options;
    if (!outbox.hasRoom()) throw new OutboxFull();
    const now = clock.now();
    const sealed = events.map((event) => seal(event, { subject: stream, now, cause }));
    for (const [index, envelope] of sealed.entries()) {
      this.documents.push(toEventDocument(envelope, expectedVersion + 1 + index, writer));
      this.appended.push(envelope);
    }
    return sealed;
  }

  keep(_stream: string, expectedVersion: number, events: readonly DomainEnvelope[]): void {
    for (const [index, envelope] of events.entries())
      this.documents.push(toEventDocument(envelope, expectedVersion + 1 + index));
  }

  async stored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const query = { _id: { $in: [...ids] } };
    const options = { session: this.session, projection: { _id: 1 }, batchSize: ids.length } as const;
    const found = await this.#options.events.find(query, options).toArray();
    return new Set(found.map(({ _id }) => _id));
  }
}

/** A transaction as the adapters of MongoDB see it. Throws for one of another store. */
export function mongoTransaction(transaction: Transaction): MongoTransaction {
  if (transaction instanceof MongoTransaction) return transaction;
  throw new TypeError("the transaction belongs to another store than MongoDB");
}

/** The driver's session that a write has to use to be part of the transaction. */
export const sessionOf = (transaction: Transaction): ClientSession => mongoTransaction(transaction).session;

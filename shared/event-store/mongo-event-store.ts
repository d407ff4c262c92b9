import type { ClientSession, Collection, MongoClient, TransactionOptions } from "mongodb";
import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { withTimeLimit } from "../time-limit.ts";
import { type EventDocument, fromEventDocument, toEventDocument } from "./event-document.ts";
import {
  type Append,
  type EventStore,
  OutboxFull,
  OutcomePending,
  StoreUnavailable,
  type Transaction,
} from "./event-store.ts";
import type { Outbox, Ticket } from "./outbox.ts";
import { createSessionPool, type SessionPool } from "./session-pool.ts";
import { asked, mayHaveCommitted, toStoreError } from "./store-errors.ts";

export interface MongoEventStoreOptions {
  readonly client: MongoClient;
  readonly events: Collection<EventDocument>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** How long the caller of a transaction waits, retries included. */
  readonly timeoutMs?: number;
  /** The sessions of its transactions; a pool of its own unless given. */
  readonly sessions?: SessionPool;
}

const OPTIONS: TransactionOptions = {
  readConcern: { level: "snapshot" },
  writeConcern: { w: "majority" },
  readPreference: "primary",
};

/**
 * The event store on MongoDB: snapshot reads, majority writes, one insert for all events of a transaction.
 *
 * The driver repeats a transaction for two minutes while the store is away, and its own time limits have no effect.
 * So the caller hears after `timeoutMs`; a try that is under way then goes on, and the outbox hears how it ended.
 */
export function mongoEventStore({
  client,
  events,
  outbox,
  clock,
  timeoutMs = 10_000,
  sessions = createSessionPool(client),
}: MongoEventStoreOptions): EventStore {
  async function attempt<T>(work: Work<T>, ticket: Ticket, limit: { isOver: boolean }): Promise<T> {
    let batch: Batch | undefined;
    let release: (() => void) | undefined;
    try {
      const { slot, session, release: giveBack } = await sessions.take();
      release = giveBack;
      const result = await session.withTransaction(async (inside) => {
        if (limit.isOver) throw new StoreUnavailable(new Error(`not done within ${timeoutMs} ms`));
        batch = collect(inside, { slot, clock, events, outbox, writer: ticket.writer });
        const value = await work(batch.transaction);
        if (batch.documents.length > 0)
          await events.insertMany(batch.documents, { session: inside, ordered: true });
        return value;
      }, OPTIONS);
      ticket.committed(batch?.published ?? []);
      return result;
    } catch (error) {
      if (mayHaveCommitted(error)) ticket.unknown(batch?.published ?? []);
      else ticket.aborted();
      throw toStoreError(error);
    } finally {
      release?.();
    }
  }

  return {
    async transact(work) {
      const limit = { isOver: false };
      const ticket = outbox.open();
      const outcome = attempt(work, ticket, limit);
      return withTimeLimit(outcome, timeoutMs, () => {
        limit.isOver = true;
        ticket.delayed();
        const ended = outcome.then(
          () => undefined,
          () => undefined,
        );
        return new OutcomePending(timeoutMs, ended);
      });
    },

    hasRoom: outbox.hasRoom,

    async readStream(stream) {
      const documents = await asked(events.find({ stream }, { sort: { version: 1 } }).toArray());
      return documents.map(fromEventDocument);
    },
  };
}

type Work<T> = (transaction: Transaction) => Promise<T>;

interface Batch {
  readonly transaction: Transaction;
  readonly documents: EventDocument[];
  readonly published: DomainEnvelope[];
}

interface Collecting {
  readonly slot: number;
  readonly clock: Clock;
  readonly events: Collection<EventDocument>;
  readonly outbox: Pick<Outbox, "hasRoom">;
  readonly writer: string;
}

function collect(
  session: ClientSession,
  { slot, clock, events: collection, outbox, writer }: Collecting,
): Batch {
  const documents: EventDocument[] = [];
  const published: DomainEnvelope[] = [];
  const append = ({ stream, expectedVersion, events, cause }: Append) => {
    if (!outbox.hasRoom()) throw new OutboxFull();
    const now = clock.now();
    const sealed = events.map((event) => seal(event, { subject: stream, now, cause }));
    for (const [index, envelope] of sealed.entries()) {
      documents.push(toEventDocument(envelope, expectedVersion + 1 + index, writer));
      published.push(envelope);
    }
    return sealed;
  };
  const keep = (_stream: string, expectedVersion: number, envelopes: readonly DomainEnvelope[]) => {
    for (const [index, envelope] of envelopes.entries()) {
      documents.push(toEventDocument(envelope, expectedVersion + 1 + index));
    }
  };
  const stored = async (ids: readonly string[]) => {
    const query = { _id: { $in: [...ids] } };
    const found = await collection
      .find(query, { session, projection: { _id: 1 }, batchSize: ids.length })
      .toArray();
    const known = new Set(found.map(({ _id }) => _id));
    return (id: string) => known.has(id);
  };
  return { transaction: { session, slot, append, keep, stored }, documents, published };
}

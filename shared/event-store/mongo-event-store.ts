import {
  type ClientSession,
  type Collection,
  type MongoClient,
  MongoError,
  MongoServerError,
  type TransactionOptions,
} from "mongodb";
import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { type EventDocument, fromEventDocument, toEventDocument } from "./event-document.ts";
import {
  type Append,
  type EventStore,
  StoreUnavailable,
  StreamConflict,
  type Transaction,
} from "./event-store.ts";
import type { Outbox } from "./outbox.ts";

export interface MongoEventStoreOptions {
  readonly client: MongoClient;
  readonly events: Collection<EventDocument>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** How long one transaction may take, retries included. */
  readonly timeoutMs?: number;
}

/** The event store on MongoDB: snapshot reads, majority writes, one insert for all events of a transaction. */
export function mongoEventStore({
  client,
  events,
  outbox,
  clock,
  timeoutMs = 10_000,
}: MongoEventStoreOptions): EventStore {
  const options: TransactionOptions & { timeoutMS: number } = {
    readConcern: { level: "snapshot" },
    writeConcern: { w: "majority" },
    readPreference: "primary",
    timeoutMS: timeoutMs,
  };

  return {
    async transact(work) {
      const ticket = outbox.open();
      const session = client.startSession();
      let batch: Batch | undefined;
      try {
        const result = await session.withTransaction(async () => {
          batch = collect(session, { clock, events, writer: ticket.writer });
          const value = await work(batch.transaction);
          if (batch.documents.length > 0)
            await events.insertMany(batch.documents, { session, ordered: true });
          return value;
        }, options);
        ticket.committed(batch?.published ?? []);
        return result;
      } catch (error) {
        if (mayHaveCommitted(error)) ticket.unknown(batch?.published ?? []);
        else ticket.aborted();
        throw translate(error);
      } finally {
        await session.endSession();
      }
    },

    async readStream(stream) {
      const documents = await events
        .find({ stream }, { sort: { version: 1 }, timeoutMS: timeoutMs })
        .toArray();
      return documents.map(fromEventDocument);
    },
  };
}

interface Batch {
  readonly transaction: Transaction;
  readonly documents: EventDocument[];
  readonly published: DomainEnvelope[];
}

interface Collecting {
  readonly clock: Clock;
  readonly events: Collection<EventDocument>;
  readonly writer: string;
}

function collect(session: ClientSession, { clock, events: collection, writer }: Collecting): Batch {
  const documents: EventDocument[] = [];
  const published: DomainEnvelope[] = [];
  const append = ({ stream, expectedVersion, events, cause }: Append) => {
    const now = clock.now();
    for (const [index, event] of events.entries()) {
      const envelope = seal(event, { subject: stream, now, cause });
      documents.push(toEventDocument(envelope, expectedVersion + 1 + index, writer));
      published.push(envelope);
    }
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
  return { transaction: { session, append, keep, stored }, documents, published };
}

const DUPLICATE_KEY = 11_000;

/** Errors of the driver become ours; a rule broken by `work` passes through as it is. */
function translate(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return new StreamConflict(error);
  if (error.hasErrorLabel("TransientTransactionError")) return new StreamConflict(error);
  if (isOutage(error)) return new StoreUnavailable(error);
  return error;
}

/** A commit whose answer was lost: the outbox then looks for what it would have published. */
function mayHaveCommitted(error: unknown): boolean {
  return (
    error instanceof MongoError && (error.hasErrorLabel("UnknownTransactionCommitResult") || isOutage(error))
  );
}

const OUTAGES = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoOperationTimeoutError",
  "MongoPoolClearedError",
  "MongoWaitQueueTimeoutError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
]);

function isOutage(error: MongoError): boolean {
  return OUTAGES.has(error.name) || error.hasErrorLabel("RetryableWriteError");
}

import type { Collection } from "mongodb";
import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { type ProcessIdentity, thisProcess } from "../process-identity.ts";
import { endedWriters } from "./ended-writers.ts";
import { type EventDocument, fromEventDocument } from "./event-document.ts";
import type { Checkpoint } from "./outbox-position.ts";
import type { OutboxStore } from "./outbox-store.ts";
import type { SessionPool } from "./session-pool.ts";

/** One document of `outboxes`: a writer, which process it is, and its checkpoint. */
export interface OutboxDocument extends ProcessIdentity {
  readonly _id: string;
  readonly service: string;
  readonly position: string;
  readonly pending: readonly string[];
  readonly seen_at: Date;
  /** Ids of the sessions in which the writer may have open transactions; absent before version 0.2. */
  readonly sessions?: readonly string[];
}

export interface MongoOutboxStoreOptions {
  readonly outboxes: Collection<OutboxDocument>;
  readonly events: Collection<EventDocument>;
  readonly service: string;
  /** Unique for this process and service. */
  readonly writer: string;
  readonly clock: Clock;
  /** The sessions of this process's transactions. */
  readonly sessions: Pick<SessionPool, "ids" | "endTransactions">;
  /** A writer on another host whose document has not changed for this long, by this process's own clock, has ended. */
  readonly silenceMs?: number;
  /** The transactions of a writer whose document has not changed for this long may be ended. */
  readonly stuckMs?: number;
}

const SEEN_EVERY_MS = 5000;
const STUCK_MS = SEEN_EVERY_MS + 1500;

/** The server does not end the transactions of a process that has disappeared. */
export interface MongoOutboxStore extends OutboxStore {
  /** Stores the ids of the sessions in which this writer may have open transactions. */
  registerSessions(ids: readonly string[]): Promise<void>;
  endTransactions(writer: string): Promise<void>;
  /** Aborts the open transactions of the writers of the same service that have ended, or do nothing at present. */
  endStuckTransactions(): Promise<void>;
}

export function mongoOutboxStore(options: MongoOutboxStoreOptions): MongoOutboxStore {
  const { outboxes, events, service, writer, clock, sessions, silenceMs, stuckMs = STUCK_MS } = options;
  let written = "";
  let writtenAt = 0;
  const entry = (checkpoint: Checkpoint, now: number) => ({
    service,
    ...thisProcess,
    ...checkpoint,
    seen_at: new Date(now),
    sessions: sessions.ids(),
  });

  const ended = endedWriters(silenceMs);
  const stuck = endedWriters(stuckMs);
  const entryOf = (other: OutboxDocument) => ({ ...other, id: other._id, seenAt: other.seen_at.getTime() });
  const hasEnded = (other: OutboxDocument) => ended.hasEnded(entryOf(other));
  const findOthers = () => outboxes.find({ service, _id: { $ne: writer } }, { sort: { _id: 1 } }).toArray();

  return {
    writer,

    async register(position) {
      // The driver repeats a write whose response was lost; an insert would then find its own document.
      const registered = { $set: entry({ position, pending: [] }, clock.now()) };
      await outboxes.updateOne({ _id: writer }, registered, { upsert: true });
    },

    async checkpoint({ position, pending }) {
      const now = clock.now();
      const mark = `${position} ${pending.join()}`;
      if (mark === written && now - writtenAt < SEEN_EVERY_MS) return;
      await outboxes.updateOne(
        { _id: writer },
        { $set: entry({ position, pending }, now) },
        { upsert: true },
      );
      written = mark;
      writtenAt = now;
    },

    async registerSessions(ids) {
      await outboxes.updateOne({ _id: writer }, { $set: { sessions: ids } });
    },

    async endTransactions(of) {
      const outbox = await outboxes.findOne({ _id: of });
      await sessions.endTransactions(outbox?.sessions ?? []);
    },

    async endStuckTransactions() {
      const others = (await findOthers()).filter((other) => stuck.hasEnded(entryOf(other)));
      await sessions.endTransactions(others.flatMap((other) => other.sessions ?? []));
    },

    others: async () => (await findOthers()).map(({ _id }) => _id),

    abandoned: async () => (await findOthers()).filter(hasEnded).map(({ _id }) => _id),

    async *unsent(of, chunk) {
      const outbox = await outboxes.findOne({ _id: of });
      if (!outbox) return;
      const { position, pending } = outbox;
      if (pending.length > 0) {
        const left = await events.find({ _id: { $in: [...pending] } }, { sort: { _id: 1 } }).toArray();
        yield left.map(fromEventDocument);
      }
      let batch: DomainEnvelope[] = [];
      for await (const document of events.find(
        { _id: { $gt: position }, writer: of },
        { sort: { _id: 1 } },
      )) {
        batch.push(fromEventDocument(document));
        if (batch.length < chunk) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },

    async stored(ids) {
      const found = await events.find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } }).toArray();
      return new Set(found.map(({ _id }) => _id));
    },

    async remove(of) {
      await outboxes.deleteOne({ _id: of });
    },

    async removeEnded(of) {
      const found = await outboxes.findOne({ _id: of });
      if (!found || !hasEnded(found)) return;
      await outboxes.deleteOne({ _id: of, seen_at: found.seen_at });
      ended.remove(of);
    },
  };
}

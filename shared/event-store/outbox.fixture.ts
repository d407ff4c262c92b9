import type { Collection } from "mongodb";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { systemClock as clock } from "../clock.ts";
import type { DomainEnvelope, DomainEvent } from "../contracts/catalogue.ts";
import { objectId } from "../ids.ts";
import type { EventDocument } from "./event-document.ts";
import type { EventStore } from "./event-store.ts";
import { mongoEventStore } from "./mongo-event-store.ts";
import { mongoOutboxStore, type OutboxDocument } from "./mongo-outbox-store.ts";
import { createOutbox, type Outbox, type OutboxOptions } from "./outbox.ts";
import type { OutboxStore } from "./outbox-store.ts";
import { createSessionPool } from "./session-pool.ts";

export interface Sent {
  readonly event: DomainEnvelope;
  readonly resent: boolean;
}

export interface Writer {
  readonly store: EventStore;
  readonly outbox: Outbox;
  readonly outboxStore: OutboxStore;
}

interface WriterOptions extends Partial<OutboxOptions> {
  readonly service?: string;
}

/** Event stores with their outboxes on one MongoDB, sending to whatever stands for the bus. */
export interface Writers {
  readonly mongo: TestMongo;
  readonly events: Collection<EventDocument>;
  readonly outboxes: Collection<OutboxDocument>;
  readonly states: Collection<{ _id: string; name: string }>;
  writer(send: OutboxOptions["send"], options?: WriterOptions): Promise<Writer>;
  /** Makes a writer's process one that has ended on this host. */
  bury(writer: Writer): Promise<void>;
  /** Stops all writers and empties the store. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function startWriters(): Promise<Writers> {
  const mongo = await startTestMongo();
  await ensureIndexes(mongo.db, ["events"]);
  const events = mongo.db.collection<EventDocument>("events");
  const outboxes = mongo.db.collection<OutboxDocument>("outboxes");
  const states = mongo.db.collection<{ _id: string; name: string }>("states");
  const open: Outbox[] = [];
  const stopAll = () => Promise.all(open.splice(0).map((outbox) => outbox.stop()));
  return {
    mongo,
    events,
    outboxes,
    states,
    async writer(send, { service = "scheduler", ...options } = {}) {
      const sessions = createSessionPool(mongo.client, {
        register: (ids) => stored.registerSessions(ids),
      });
      const stored = mongoOutboxStore({ outboxes, events, service, writer: objectId(), clock, sessions });
      const { store: outboxStore = stored, ...more } = options;
      const outbox = createOutbox({
        store: outboxStore,
        log: silentLog,
        clock,
        send,
        checkpointMs: 20,
        ...more,
      });
      await outbox.start();
      open.push(outbox);
      const { client } = mongo;
      return { outbox, outboxStore, store: mongoEventStore({ client, events, outbox, clock, sessions }) };
    },
    async bury({ outbox, outboxStore }) {
      await outbox.stop();
      // A process id that no process can have.
      await outboxes.updateOne({ _id: outboxStore.writer }, { $set: { pid: 2 ** 30, boot: "gone" } });
    },
    async clear() {
      await stopAll();
      await Promise.all([events.deleteMany({}), outboxes.deleteMany({}), states.deleteMany({})]);
    },
    async close() {
      await stopAll();
      await mongo.close();
    },
  };
}

/** Collects what is sent; `count` resolves when so many have come. */
export function receiver(accept: (sent: Sent) => Promise<void> = async () => {}) {
  const sent: Sent[] = [];
  let look = () => {};
  const send: OutboxOptions["send"] = async (event, { resent }) => {
    await accept({ event, resent });
    sent.push({ event, resent });
    look();
  };
  const count = (wanted: number) =>
    new Promise<void>((resolve) => {
      look = () => sent.length >= wanted && resolve();
      look();
    });
  return { send, sent, count };
}

/** A bus that never answers. */
export const silence = (): Promise<void> => new Promise(() => {});

export const paused = (taskId: string): DomainEvent => ({
  type: "task.paused",
  data: { taskId, at: "2026-01-05T08:00:00.000Z" },
});

/** Appends so many events to a task's stream. */
export const append = (store: EventStore, taskId: string, expectedVersion: number, count = 1) =>
  store.transact(async (transaction) => {
    const events = Array.from({ length: count }, () => paused(taskId));
    transaction.append({ stream: `task-${taskId}`, expectedVersion, events });
  });

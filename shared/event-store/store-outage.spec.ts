import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { eventually, LIMIT_MS } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { startTcpProxy, type TcpProxy } from "../../test/tcp-proxy.ts";
import { systemClock as clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { objectId } from "../ids.ts";
import type { EventDocument } from "./event-document.ts";
import type { EventStore, Transaction } from "./event-store.ts";
import { mongoEventStore } from "./mongo-event-store.ts";
import { mongoOutboxStore, type OutboxDocument } from "./mongo-outbox-store.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createSessionPool } from "./session-pool.ts";

const SHORT_MS = 1500;

describe("while the store does not respond", () => {
  let mongo: TestMongo;
  let proxy: TcpProxy;
  let client: MongoClient;
  let outbox: Outbox;
  let store: EventStore;
  /** The same with a short limit, for transactions that are to fail. */
  let impatient: EventStore;
  let outboxes: Collection<OutboxDocument>;
  let sent: string[];
  let writer: string;
  before(async () => {
    mongo = await startTestMongo();
    await ensureIndexes(mongo.db, ["events"]);
    proxy = await startTcpProxy(mongo.port);
    // Straight to the proxy: the server's own address would lead past it.
    const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    client = await new MongoClient(url, { serverSelectionTimeoutMS: 700 }).connect();
    outboxes = mongo.db.collection("outboxes");
  });
  after(async () => {
    await client?.close();
    await proxy?.close();
    await mongo?.close();
  });
  afterEach(async () => {
    proxy.restore();
    await outbox.stop();
  });

  async function start(): Promise<void> {
    const db = client.db("kinit");
    const events = db.collection<EventDocument>("events");
    sent = [];
    writer = objectId();
    const send = async ({ subject }: DomainEnvelope) => void sent.push(subject);
    const sessions = createSessionPool(client);
    const outboxStore = mongoOutboxStore({
      outboxes: db.collection("outboxes"),
      events,
      service: "scheduler",
      writer,
      clock,
      sessions,
    });
    outbox = createOutbox({ store: outboxStore, log: silentLog, clock, send, checkpointMs: 20 });
    await outbox.start();
    store = mongoEventStore({ client, events, outbox, clock, timeoutMs: LIMIT_MS });
    impatient = mongoEventStore({ client, events, outbox, clock, timeoutMs: SHORT_MS });
  }
  const pausing =
    (taskId: string, then: () => Promise<void> | void = () => {}) =>
    async (transaction: Transaction) => {
      const at = "2026-01-05T08:00:00.000Z";
      const events = [{ type: "task.paused", data: { taskId, at } }] as const;
      transaction.append({ stream: `task-${taskId}`, expectedVersion: 0, events });
      await then();
    };

  it("a caller gets an error in time; if the transaction still commits, its events are published once", async () => {
    await start();
    const [taskId, later] = [objectId(), objectId()];
    const frozen = Promise.withResolvers<void>();
    const freeze = () => {
      proxy.freeze();
      frozen.resolve();
    };
    await assert.rejects(impatient.transact(pausing(taskId, freeze)), {
      type: "STORE_UNAVAILABLE",
      retryable: true,
    });
    await frozen.promise;
    assert.deepEqual(sent, []);
    proxy.restore();
    await eventually(() => sent.length > 0);
    await store.transact(pausing(later));
    await eventually(() => sent.length > 1);
    assert.deepEqual(sent, [`task-${taskId}`, `task-${later}`]);
  });

  it("no event overtakes one that may still be stored", async () => {
    await start();
    const slow = Promise.withResolvers<void>();
    const late = impatient.transact(pausing(objectId(), () => slow.promise));
    await assert.rejects(late, { type: "STORE_UNAVAILABLE" });
    await store.transact(pausing(objectId()));
    assert.deepEqual(sent, []);
    slow.resolve();
    await eventually(() => sent.length === 2);
  });

  it("a transaction that is open when the outbox stops is found by the next process", async () => {
    await start();
    const open = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const taskId = objectId();
    const committing = store.transact(
      pausing(taskId, () => {
        reached.resolve();
        return open.promise;
      }),
    );
    await reached.promise;
    await outbox.stop();
    open.resolve();
    await committing;
    assert.deepEqual(sent, [], "a stopped outbox sends nothing");
    assert.ok(await outboxes.findOne({ _id: writer }), "its checkpoint lies before the event");
    await start();
    await outbox.adoptAll();
    await eventually(() => sent.includes(`task-${taskId}`));
  });

  it("an outbox still stops", async () => {
    await start();
    proxy.cut();
    await outbox.stop();
  });
});

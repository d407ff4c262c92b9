import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { MongoClient } from "mongodb";
import { eventually } from "../../test/eventually.ts";
import { startTcpProxy } from "../../test/tcp-proxy.ts";
import { systemClock as clock } from "../clock.ts";
import { objectId } from "../ids.ts";
import type { EventStore } from "./event-store.ts";
import { mongoEventStore } from "./mongo-event-store.ts";
import { mongoOutboxStore } from "./mongo-outbox-store.ts";
import { sessionOf } from "./mongo-transaction.ts";
import { receiver, startWriters, type Writer, type Writers } from "./outbox.fixture.ts";
import { createSessionPool } from "./session-pool.ts";

/** Far below the minute after which the server ends such a transaction. */
const ENDED_LIMIT_MS = 20_000;

let writers: Writers;
before(async () => {
  writers = await startWriters();
  await writers.mongo.db.createCollection(writers.states.collectionName);
});
after(() => writers?.close());

describe("a transaction that nothing ends", () => {
  const { send } = receiver();
  let release: (error: Error) => void = () => {};
  afterEach(async () => {
    release(new Error("the test has ended"));
    await writers.clear();
  });

  const update = (store: EventStore, id: string, then: Promise<void> = Promise.resolve()) =>
    store.transact(async (transaction) => {
      const options = { session: sessionOf(transaction), upsert: true };
      await writers.states.updateOne({ _id: id }, { $set: { name: "changed" } }, options);
      await then;
    });

  /** A writer whose transaction has changed a document and goes on until the test ends. */
  async function withOpenTransaction(id: string): Promise<Writer> {
    const made = await writers.writer(send);
    const reached = Promise.withResolvers<void>();
    const work = Promise.withResolvers<void>();
    release = work.reject;
    const open = made.store.transact(async (transaction) => {
      const options = { session: sessionOf(transaction), upsert: true };
      await writers.states.updateOne({ _id: id }, { $set: { name: "held" } }, options);
      reached.resolve();
      await work.promise;
    });
    open.catch(() => {});
    await reached.promise;
    return made;
  }

  it("is aborted when the outbox of its ended process is adopted", async () => {
    const id = objectId();
    await writers.bury(await withOpenTransaction(id));
    const heir = await writers.writer(send, { adoptMs: 10 });
    heir.outbox.adoptEnded();
    await update(heir.store, id);
  });

  it("is aborted by one that it holds up if its process is suspended", async () => {
    const id = objectId();
    const suspended = await withOpenTransaction(id);
    // Nothing changes its document any more, and its process still runs.
    await suspended.outbox.stop();
    const { outbox } = await writers.writer(send);
    const { outboxes, events, mongo } = writers;
    const sessions = createSessionPool(mongo.client);
    const options = { outboxes, events, service: "scheduler", writer: objectId(), clock, sessions };
    const { endStuckTransactions } = mongoOutboxStore({ ...options, stuckMs: 50 });
    const endStuck = endStuckTransactions;
    await update(mongoEventStore({ client: mongo.client, events, outbox, clock, sessions, endStuck }), id);
  });

  it("is aborted by a later one of the same process if its connection has become silent", async (test) => {
    const proxy = await startTcpProxy(writers.mongo.port);
    test.after(() => proxy.close());
    const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    const client = await new MongoClient(url).connect();
    test.after(() => client.close());
    const { outbox } = await writers.writer(send);
    const { events } = writers;
    const store = mongoEventStore({
      client,
      events: client.db("kinit").collection("events"),
      outbox,
      clock,
      timeoutMs: 1500,
    });
    const states = client
      .db("kinit")
      .collection<{ _id: string; name: string }>(writers.states.collectionName);
    const id = objectId();
    const change = () =>
      store.transact(async (transaction) => {
        const options = { session: sessionOf(transaction), upsert: true };
        await states.updateOne({ _id: id }, { $set: { name: "changed" } }, options);
      });
    void proxy.silence((sent) => sent.includes(id));
    await assert.rejects(change(), { type: "STORE_UNAVAILABLE" });
    await eventually(
      () =>
        change().then(
          () => true,
          () => false,
        ),
      ENDED_LIMIT_MS,
    );
    assert.equal(await events.countDocuments(), 0);
  });
});

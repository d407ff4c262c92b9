import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { DomainEvent } from "../contracts/catalogue.ts";
import { objectId } from "../ids.ts";
import type { EventStore } from "./event-store.ts";
import { sessionOf } from "./mongo-transaction.ts";
import { paused, receiver, silence, startWriters, type Writers } from "./outbox.fixture.ts";

describe("the event store", () => {
  let writers: Writers;
  let writer: Writers["writer"];
  before(async () => {
    writers = await startWriters();
    ({ writer } = writers);
  });
  beforeEach(() => writers.clear());
  after(() => writers?.close());

  /** Appends events and sets the state that follows from them, in one transaction. */
  const append = (store: EventStore, taskId: string, expectedVersion: number, count = 1) =>
    store.transact(async (transaction) => {
      const stream = `task-${taskId}`;
      const events = Array.from({ length: count }, () => paused(taskId));
      transaction.append({ stream, expectedVersion, events });
      await writers.states.updateOne(
        { _id: stream },
        { $set: { name: `${expectedVersion}` } },
        { upsert: true, session: sessionOf(transaction) },
      );
    });

  it("stores events and state together and publishes the events in order", async () => {
    const { send, sent, count } = receiver();
    const { store } = await writer(send);
    const taskId = objectId();
    await append(store, taskId, 0, 2);
    await append(store, taskId, 2);
    await count(3);
    const stream = await store.readStream(`task-${taskId}`);
    assert.deepEqual(
      stream.map(({ version }) => version),
      [1, 2, 3],
    );
    assert.deepEqual(
      sent.map(({ event }) => event.id),
      stream.map(({ id }) => id),
    );
    assert.deepEqual(sent[0]?.event.dataschema, "task.paused/1");
    assert.equal((await writers.states.findOne({}))?.name, "2");
  });

  it("lets one of two writers have a version; the other stores nothing and publishes nothing", async () => {
    const { send, sent, count } = receiver();
    const { store } = await writer(send);
    const taskId = objectId();
    await append(store, taskId, 0);
    await assert.rejects(append(store, taskId, 0), { type: "STREAM_CONFLICT", retryable: true });
    await append(store, objectId(), 0);
    await count(2);
    assert.equal(sent.length, 2);
    assert.equal((await writers.states.findOne({ _id: `task-${taskId}` }))?.name, "0");
  });

  it("stores nothing if the work fails or an event violates its contract", async () => {
    const { send, sent } = receiver();
    const { store, outbox } = await writer(send);
    const taskId = objectId();
    const failing = store.transact(async (transaction) => {
      transaction.append({ stream: `task-${taskId}`, expectedVersion: 0, events: [paused(taskId)] });
      throw new RangeError("a rule is broken");
    });
    await assert.rejects(failing, RangeError);
    const invalid = store.transact(async (transaction) => {
      const event = { type: "task.paused", data: { taskId } } as unknown as DomainEvent;
      transaction.append({ stream: `task-${taskId}`, expectedVersion: 0, events: [event] });
    });
    await assert.rejects(invalid, { type: "CONTRACT_VIOLATION" });
    assert.deepEqual([await writers.events.countDocuments(), sent.length, outbox.pending()], [0, 0, 0]);
  });

  it("keeps events while the bus refuses them, and then sends them in their old order", async () => {
    let refusals = 3;
    const { send, sent, count } = receiver(async () => {
      if (refusals-- > 0) throw new Error("the bus is full");
    });
    const { store } = await writer(send);
    const taskId = objectId();
    await append(store, taskId, 0, 4);
    await count(4);
    const inOrder = sent.map(({ event }) => event.id);
    assert.deepEqual([...new Set(inOrder)].length, 4);
    assert.deepEqual(inOrder.slice(1), [...inOrder.slice(1)].sort());
  });

  it("rejects new events while the outbox is full, and stores nothing of their transaction", async () => {
    const { store } = await writer(silence, { capacity: 2 });
    await append(store, objectId(), 0, 2);
    assert.equal(store.hasRoom(), false);
    await assert.rejects(append(store, objectId(), 0), { type: "OUTBOX_FULL", retryable: true });
    assert.deepEqual([await writers.events.countDocuments(), await writers.states.countDocuments()], [2, 1]);
  });

  it("commits a transaction without events also while the outbox is full: the bus may be waiting for it", async () => {
    const { store } = await writer(silence, { capacity: 1 });
    await append(store, objectId(), 0);
    await store.transact(async (transaction) => {
      const session = sessionOf(transaction);
      await writers.states.insertOne({ _id: "settled", name: "settled" }, { session });
    });
    assert.equal(await writers.states.countDocuments({ _id: "settled" }), 1);
  });
});

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Collection } from "mongodb";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { systemClock as clock } from "../clock.ts";
import type { DomainEnvelope, DomainEvent } from "../contracts/catalogue.ts";
import { eventId, objectId } from "../ids.ts";
import type { EventDocument } from "./event-document.ts";
import type { EventStore } from "./event-store.ts";
import { mongoEventStore } from "./mongo-event-store.ts";
import { createOutbox, type Outbox, type OutboxOptions } from "./outbox.ts";
import { mongoOutboxLedger, type OutboxDocument } from "./outbox-ledger.ts";

interface Sent {
  readonly event: DomainEnvelope;
  readonly resent: boolean;
}

describe("the event store and its outbox", () => {
  let mongo: TestMongo;
  let events: Collection<EventDocument>;
  let outboxes: Collection<OutboxDocument>;
  let states: Collection<{ _id: string; name: string }>;
  const open: Outbox[] = [];
  before(async () => {
    mongo = await startTestMongo();
    await ensureIndexes(mongo.db, ["events"]);
    events = mongo.db.collection("events");
    outboxes = mongo.db.collection("outboxes");
    states = mongo.db.collection("states");
  });
  beforeEach(async () => {
    for (const outbox of open.splice(0)) await outbox.stop();
    await Promise.all([events.deleteMany({}), outboxes.deleteMany({}), states.deleteMany({})]);
  });
  after(async () => {
    for (const outbox of open) await outbox.stop();
    await mongo.close();
  });

  /** One writer: a store with its outbox, sending to whatever stands for the bus. */
  async function writer(send: OutboxOptions["send"], more: Partial<OutboxOptions> = {}) {
    const ledger = mongoOutboxLedger({ outboxes, events, service: "scheduler", writer: objectId(), clock });
    const outbox = createOutbox({ ledger, log: silentLog, send, checkpointMs: 20, ...more });
    await outbox.start();
    open.push(outbox);
    return { outbox, ledger, store: mongoEventStore({ client: mongo.client, events, outbox, clock }) };
  }
  /** Collects what is sent; `count` resolves when so many have come. */
  function receiver(accept: (sent: Sent) => Promise<void> = async () => {}) {
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

  const paused = (taskId: string): DomainEvent => ({
    type: "task.paused",
    data: { taskId, at: "2026-01-05T08:00:00.000Z" },
  });
  const append = (store: EventStore, taskId: string, expectedVersion: number, count = 1) =>
    store.transact(async (transaction) => {
      const stream = `task-${taskId}`;
      transaction.append({
        stream,
        expectedVersion,
        events: Array.from({ length: count }, () => paused(taskId)),
      });
      await states.updateOne(
        { _id: stream },
        { $set: { name: `${expectedVersion}` } },
        { upsert: true, session: transaction.session },
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
    assert.equal((await states.findOne({}))?.name, "2");
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
    assert.equal((await states.findOne({ _id: `task-${taskId}` }))?.name, "0");
  });

  it("stores nothing when the work fails or an event breaks its contract", async () => {
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
    assert.deepEqual([await events.countDocuments(), sent.length, outbox.pending()], [0, 0, 0]);
  });

  it("holds events while the bus refuses them, and then sends them in their old order", async () => {
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

  it("refuses new transactions when the bus has not taken what it holds", async () => {
    const { store } = await writer(() => new Promise(() => {}), { capacity: 2 });
    await append(store, objectId(), 0, 2);
    await assert.rejects(append(store, objectId(), 0), { type: "OUTBOX_FULL", retryable: true });
  });

  it("sends what a dead writer left, as sent again, and forgets that writer", async () => {
    const crashed = await writer(() => new Promise(() => {}));
    const taskId = objectId();
    await append(crashed.store, taskId, 0, 3);
    await crashed.outbox.stop();
    const { send, sent, count } = receiver();
    const heir = await writer(send);
    await heir.outbox.adopt("all");
    await count(3);
    assert.ok(sent.every(({ resent }) => resent));
    assert.deepEqual(
      sent.map(({ event }) => event.id),
      (await heir.store.readStream(`task-${taskId}`)).map(({ id }) => id),
    );
    await eventually(async () => (await outboxes.findOne({ _id: crashed.ledger.writer })) === null);
  });

  it("leaves alone a writer whose process lives", async () => {
    const alive = await writer(() => new Promise(() => {}));
    await append(alive.store, objectId(), 0);
    const { send } = receiver();
    const other = await writer(send);
    await other.outbox.adopt("ended");
    assert.equal(other.outbox.pending(), 0);
  });

  it("sends of a writer that came far only what the bus did not have", async () => {
    const stuck = objectId();
    const { send, count } = receiver(({ event }) =>
      event.subject === `task-${stuck}` ? new Promise(() => {}) : Promise.resolve(),
    );
    const crashed = await writer(send);
    await append(crashed.store, stuck, 0);
    for (let n = 0; n < 20; n++) await append(crashed.store, objectId(), 0);
    await count(20);
    await crashed.outbox.stop();
    const heir = receiver();
    const { outbox } = await writer(heir.send);
    await outbox.adopt("all");
    await heir.count(1);
    assert.deepEqual(
      heir.sent.map(({ event }) => event.subject),
      [`task-${stuck}`],
    );
  });

  it("after a commit without an answer, sends what was stored, once, before anything later", async () => {
    const { send, sent, count } = receiver();
    const { store, outbox, ledger } = await writer(send);
    const taskId = objectId();
    await append(store, taskId, 0);
    await count(1);
    const [stored] = await events.find({}).toArray();
    const lost = { ...sent[0]?.event, id: eventId() } as DomainEnvelope;
    await events.insertOne({ ...(stored as EventDocument), _id: lost.id, version: 2, writer: ledger.writer });
    const neverStored = { ...lost, id: eventId() } as DomainEnvelope;
    outbox.open().unknown([lost, neverStored]);
    await append(store, taskId, 2);
    await count(3);
    assert.deepEqual(
      sent.map(({ event, resent }) => [event.id === lost.id, resent]),
      [
        [false, false],
        [true, true],
        [false, false],
      ],
    );
  });
});

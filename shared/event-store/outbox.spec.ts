import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { eventually } from "../../test/eventually.ts";
import { systemClock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { AppError } from "../errors.ts";
import { eventId, objectId } from "../ids.ts";
import { fromEventDocument } from "./event-document.ts";
import { mongoOutboxStore } from "./mongo-outbox-store.ts";
import { append, receiver, silence, startWriters, type Writer, type Writers } from "./outbox.fixture.ts";
import type { OutboxStore } from "./outbox-store.ts";
import { createSessionPool } from "./session-pool.ts";

let writers: Writers;
let writer: Writers["writer"];
before(async () => {
  writers = await startWriters();
  ({ writer } = writers);
});
beforeEach(() => writers.clear());
after(() => writers?.close());

/** For a second outbox on the store of a first one. */
const register = async () => {};
const listed = async ({ outboxStore }: Writer) =>
  (await writers.outboxes.findOne({ _id: outboxStore.writer })) !== null;
const idsOf = async ({ store }: Writer, taskId: string) =>
  (await store.readStream(`task-${taskId}`)).map(({ id }) => id);

describe("what an earlier process left in its outbox", () => {
  it("is sent as a repetition, and that process is removed from the list", async () => {
    const crashed = await writer(silence);
    const taskId = objectId();
    await append(crashed.store, taskId, 0, 3);
    await writers.bury(crashed);
    const { send, sent, count } = receiver();
    const heir = await writer(send);
    await heir.outbox.adoptAll();
    await count(3);
    assert.ok(sent.every(({ resent }) => resent));
    assert.deepEqual(
      sent.map(({ event }) => event.id),
      await idsOf(heir, taskId),
    );
    await eventually(async () => !(await listed(crashed)));
  });

  it("is only what the bus did not have", async () => {
    const stuck = objectId();
    const { send, count } = receiver(({ event }) =>
      event.subject === `task-${stuck}` ? silence() : Promise.resolve(),
    );
    const crashed = await writer(send);
    await append(crashed.store, stuck, 0);
    for (let n = 0; n < 20; n++) await append(crashed.store, objectId(), 0);
    await count(20);
    await writers.bury(crashed);
    const heir = receiver();
    const { outbox } = await writer(heir.send);
    await outbox.adoptAll();
    await heir.count(1);
    assert.deepEqual(
      heir.sent.map(({ event }) => event.subject),
      [`task-${stuck}`],
    );
  });

  it("is left alone while that process runs, if several may write", async () => {
    const alive = await writer(silence);
    await append(alive.store, objectId(), 0);
    const { send, sent } = receiver();
    const other = await writer(send, { adoptMs: 10 });
    other.outbox.adoptEnded();
    await writers.bury(await withEvent());
    await eventually(() => sent.length > 0);
    assert.deepEqual([sent.length, await listed(alive)], [1, true]);
  });

  it("is found also if that process ends later", async () => {
    const { send, sent, count } = receiver();
    const heir = await writer(send, { adoptMs: 10 });
    heir.outbox.adoptEnded();
    for (let n = 1; n <= 2; n++) {
      await writers.bury(await withEvent());
      await count(n);
    }
    assert.equal(sent.length, 2);
  });

  it("is sent once, however long the bus refuses it", async () => {
    await writers.bury(await withEvent());
    const taken = Promise.withResolvers<void>();
    let looks = 0;
    const { send, sent, count } = receiver(() => taken.promise);
    const { outboxStore } = await writer(send);
    const abandoned: OutboxStore["abandoned"] = () => {
      looks += 1;
      return outboxStore.abandoned();
    };
    const heir = await writer(send, { adoptMs: 5, store: { ...outboxStore, register, abandoned } });
    heir.outbox.adoptEnded();
    await eventually(() => looks > 5);
    taken.resolve();
    await count(1);
    await eventually(async () => (await writers.outboxes.countDocuments({ boot: "gone" })) === 0);
    assert.equal(sent.length, 1);
  });

  it("is searched for again if the store did not respond", async () => {
    await writers.bury(await withEvent());
    const { send, count } = receiver();
    const { outboxStore } = await writer(send);
    let failures = 2;
    const abandoned: OutboxStore["abandoned"] = () =>
      failures-- > 0 ? Promise.reject(new Error("no response")) : outboxStore.abandoned();
    const heir = await writer(send, { adoptMs: 5, store: { ...outboxStore, register, abandoned } });
    heir.outbox.adoptEnded();
    await count(1);
  });

  it("is found if that process stopped writing, by the time that passes here and not by its clock", async () => {
    const silent = await withEvent();
    const seen_at = new Date(Date.now() - 600_000);
    await writers.outboxes.updateOne(
      { _id: silent.outboxStore.writer },
      { $set: { host: "another", seen_at } },
    );
    const { outboxes, events, mongo } = writers;
    const sessions = createSessionPool(mongo.client);
    const options = {
      outboxes,
      events,
      service: "scheduler",
      writer: objectId(),
      clock: systemClock,
      sessions,
    };
    const patient = mongoOutboxStore({ ...options, silenceMs: 60_000 });
    const brief = mongoOutboxStore({ ...options, silenceMs: 20 });
    assert.deepEqual([await patient.abandoned(), await brief.abandoned()], [[], []]);
    await eventually(async () => (await brief.abandoned()).includes(silent.outboxStore.writer));
    assert.deepEqual(await patient.abandoned(), []);
  });

  it("stays listed if that process still runs: its later events must be found, too", async () => {
    const alive = await withEvent();
    const { send, count } = receiver();
    const heir = await writer(send);
    await heir.outbox.adoptAll();
    await count(1);
    await heir.outbox.stop();
    assert.ok(await listed(alive));
  });

  /** A writer whose event no bus has. */
  async function withEvent(): Promise<Writer> {
    const made = await writer(silence);
    await append(made.store, objectId(), 0);
    return made;
  }
});

describe("a commit without a response", () => {
  /** Stores an event behind the outbox's back, as a commit does whose answer is lost. */
  async function unanswered({ outboxStore, store }: Writer, taskId: string): Promise<DomainEnvelope> {
    const stream = await store.readStream(`task-${taskId}`);
    const [like] = await writers.events.find({ stream: `task-${taskId}` }).toArray();
    const id = eventId();
    assert.ok(like);
    await writers.events.insertOne({
      ...like,
      _id: id,
      version: stream.length + 1,
      writer: outboxStore.writer,
    });
    const { version: _, ...event } = { ...(stream[0] as (typeof stream)[number]), id };
    return event as DomainEnvelope;
  }

  it("is looked up: what was stored is sent once, before anything later", async () => {
    const { send, sent, count } = receiver();
    const one = await writer(send);
    const taskId = objectId();
    await append(one.store, taskId, 0);
    await count(1);
    const lost = await unanswered(one, taskId);
    const neverStored = { ...lost, id: eventId() };
    one.outbox.open().unknown([lost, neverStored]);
    await append(one.store, taskId, 2);
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

  it("is looked up also if it comes while another one is being looked up", async () => {
    const { send, sent, count } = receiver();
    const first = await writer(send);
    const { outboxStore } = first;
    const others: DomainEnvelope[] = [];
    const stored: OutboxStore["stored"] = async (ids) => {
      const found = await outboxStore.stored(ids);
      for (const event of others.splice(0)) one.outbox.open().unknown([event]);
      return found;
    };
    const one = await writer(send, { store: { ...outboxStore, register, stored } });
    const taskId = objectId();
    await append(one.store, taskId, 0);
    const lost = [await unanswered(one, taskId), await unanswered(one, taskId)];
    others.push(lost[1] as DomainEnvelope);
    one.outbox.open().unknown(lost.slice(0, 1));
    await count(3);
    assert.deepEqual(
      sent.slice(1).map(({ event }) => event.id),
      lost.map(({ id }) => id),
    );
  });

  it("is sent after what was committed before it", async () => {
    const open = Promise.withResolvers<void>();
    const { send, sent, count } = receiver(() => open.promise);
    const one = await writer(send, { window: 1 });
    const taskId = objectId();
    await append(one.store, taskId, 0, 3);
    one.outbox.open().unknown([await unanswered(one, taskId)]);
    open.resolve();
    await count(4);
    assert.deepEqual(
      sent.map(({ event }) => event.id),
      await idsOf(one, taskId),
    );
  });
});

describe("a checkpoint that is stored while a commit's outcome is unknown", () => {
  it("passes none of its events, so that they are sent after a crash and after a clean stop", async () => {
    const { send, count } = receiver();
    const { outboxStore } = await writer(send);
    const noResponse: OutboxStore["stored"] = () => Promise.reject(new Error("no response"));
    const cutOff = await writer(send, { store: { ...outboxStore, register, stored: noResponse } });
    const taskId = objectId();
    await append(cutOff.store, taskId, 0);
    await count(1);
    const ticket = cutOff.outbox.open();
    const events = await storedUnseen(cutOff, taskId, 3);
    ticket.unknown(events);
    // Another transaction, whose events have later ids, ends meanwhile.
    await append(cutOff.store, objectId(), 0);
    await cutOff.outbox.stop();
    const heir = receiver();
    await (await writer(heir.send)).outbox.adoptAll();
    await heir.count(4);
    const ids = heir.sent.map(({ event }) => event.id);
    assert.ok(events.every(({ id }) => ids.includes(id)));
  });

  /** Stores events as a commit does whose answer is lost. */
  async function storedUnseen({ outboxStore }: Writer, taskId: string, howMany: number) {
    const [like] = await writers.events.find({ stream: `task-${taskId}` }).toArray();
    assert.ok(like);
    const documents = Array.from({ length: howMany }, (_, n) => ({
      ...like,
      _id: eventId(),
      version: n + 2,
      writer: outboxStore.writer,
    }));
    await writers.events.insertMany(documents);
    return documents.map(fromEventDocument);
  }
});

describe("an event that waited in the outbox for a long time", () => {
  it("is sent as a repetition: a successor may have sent it meanwhile", async () => {
    let now = Date.now();
    const [begun, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { send, sent, count } = receiver(() => {
      begun.resolve();
      return open.promise;
    });
    const one = await writer(send, { window: 1, clock: { now: () => now } });
    await append(one.store, objectId(), 0, 2);
    await begun.promise;
    now += 60_000;
    open.resolve();
    await count(2);
    assert.deepEqual(
      sent.map(({ resent }) => resent),
      [false, true],
    );
  });
});

describe("a writer", () => {
  it("registers again if the response to its first attempt was lost", async () => {
    const one = await writer(silence);
    const position = eventId(systemClock.now());
    await one.outboxStore.register(position);
    const registered = await writers.outboxes.find({ _id: one.outboxStore.writer }).toArray();
    assert.partialDeepStrictEqual(registered, [{ position, pending: [] }]);
    assert.equal(registered.length, 1);
  });
});

describe("an event that the bus can never accept", () => {
  it("does not delay others, and stays in the checkpoint", async () => {
    const large = objectId();
    const { send, sent, count } = receiver(async ({ event }) => {
      if (event.subject === `task-${large}`) throw new AppError("too large", { type: "EVENT_TOO_LARGE" });
    });
    const one = await writer(send);
    await append(one.store, large, 0);
    for (let n = 0; n < 5; n++) await append(one.store, objectId(), 0);
    await count(5);
    await eventually(() => one.outbox.pending() === 1);
    assert.equal(sent.length, 5);
    await one.outbox.stop();
    const checkpoint = await writers.outboxes.findOne({ _id: one.outboxStore.writer });
    assert.deepEqual(checkpoint?.pending, await idsOf(one, large));
  });
});

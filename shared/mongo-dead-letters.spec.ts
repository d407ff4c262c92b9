import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { quick } from "../test/bus/bus-test.ts";
import { exampleEvent } from "../test/bus/example-event.ts";
import { startTestMongo } from "../test/mongo.ts";
import { silentLog } from "../test/silent-log.ts";
import type { DeadLetter } from "./bus/bus.ts";
import { localBus } from "./bus/local/local-bus.ts";
import { mongoDeadLetters } from "./mongo-dead-letters.ts";

/** A store of dead letters on an embedded server of its own. */
async function open(test: TestContext) {
  const mongo = await startTestMongo();
  const letters = mongoDeadLetters({ mongoUrl: mongo.url, mongoDatabase: "kinit" });
  test.after(async () => {
    await letters.close();
    await mongo.close();
  });
  return { mongo, letters };
}

const letter = (event: string): DeadLetter => ({
  id: "records/run.*/1",
  group: "records",
  pattern: "run.*",
  event,
  error: { type: "HANDLER_FAILED", message: "no" },
  deliveries: 5,
  at: "2026-01-05T08:00:00.000Z",
});

describe("dead letters in MongoDB", () => {
  it("hold thousands of events that could not be stored, while a healthy event passes", async (test) => {
    const { mongo, letters } = await open(test);
    const bus = localBus({ logger: silentLog, deadLetter: (each) => letters.store(each) });
    await bus.start();
    test.after(() => bus.stop());
    const handled: string[] = [];
    const events = mongo.db.collection<{ _id: string }>("events");
    await bus.subscribe({
      ...quick,
      maxDeliver: 1,
      maxInFlight: 1000,
      pattern: "task.due",
      group: "records",
      async handle({ id, ...event }) {
        await events.insertOne({ _id: id, ...event });
        handled.push(id);
      },
    });
    const { data, ...rest } = exampleEvent("task.due");
    const poison = Array.from({ length: 2100 }, (_, index) => ({
      ...rest,
      id: `poison-${index}`,
      data: { ...data, params: index % 2 === 0 ? { "a\0": 1 } : { _bsontype: "ObjectId" } },
    }));
    const healthy = exampleEvent("task.due");
    await Promise.all([...poison, healthy].map((event) => bus.send(event)));
    assert.deepEqual(handled, [healthy.id]);
    const stored = await mongo.db.collection("dead_letters").find().toArray();
    assert.equal(stored.length, poison.length);
    const bySource = new Map(stored.map(({ event }) => [JSON.parse(event).id, JSON.parse(event)]));
    for (const event of poison) assert.deepEqual(bySource.get(event.id), event);
  });

  it("are retried while the store is unavailable, and rejected for good if it can never store them", async (test) => {
    const { mongo, letters } = await open(test);
    await assert.rejects(letters.store(letter("x".repeat(17_000_000))), (error: { retryable?: boolean }) => {
      assert.notEqual(error.retryable, true);
      return true;
    });
    await letters.store(letter("{}"));
    await letters.store(letter("{}"));
    assert.equal(await mongo.db.collection("dead_letters").countDocuments(), 1);
    await mongo.close();
    await assert.rejects(letters.store(letter("{}")), { type: "STORE_UNAVAILABLE", retryable: true });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually } from "./eventually.ts";
import { mongoForTests } from "./mongo.fixture.ts";

describe("what expires", () => {
  const mongo = mongoForTests();

  it("are documents of a TTL index by their dates, the earliest of an array, and nothing else", async () => {
    await mongo.client.db("admin").command({ setParameter: 1, ttlMonitorSleepSecs: 1 });
    const items = mongo.db.collection<{ _id: string; at?: unknown; kept?: boolean }>("expiring");
    await items.createIndex(
      { at: 1 },
      { expireAfterSeconds: 3600, partialFilterExpression: { kept: false } },
    );
    const [past, future] = [new Date(Date.now() - 7_200_000), new Date(Date.now() + 7_200_000)];
    await items.insertMany([
      { _id: "past", at: past, kept: false },
      { _id: "array", at: [future, past], kept: false },
      { _id: "future", at: future, kept: false },
      { _id: "number", at: 5, kept: false },
      { _id: "outside", at: past, kept: true },
      { _id: "none", kept: false },
    ]);
    await eventually(async () => (await items.countDocuments()) <= 4);
    const left = await items
      .find()
      .sort({ _id: 1 })
      .map(({ _id }) => _id)
      .toArray();
    assert.deepEqual(left, ["future", "none", "number", "outside"]);
    await mongo.db.command({ collMod: "expiring", index: { name: "at_1", expireAfterSeconds: 0 } });
    await items.updateOne({ _id: "future" }, { $set: { at: new Date(Date.now() - 1_000) } });
    await eventually(async () => (await items.countDocuments()) === 3);
  });

  it("is an idle transaction", async () => {
    const items = mongo.db.collection<{ _id: number; n: number }>("held");
    await items.insertOne({ _id: 1, n: 0 });
    await mongo.client.db("admin").command({ setParameter: 1, transactionLifetimeLimitSeconds: 1 });
    const session = mongo.client.startSession();
    try {
      session.startTransaction();
      await items.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
      await items.updateOne({ _id: 1 }, { $inc: { n: 10 } });
      await assert.rejects(items.findOne({ _id: 1 }, { session }), { code: 251 });
      assert.equal((await items.findOne({ _id: 1 }))?.n, 10);
    } finally {
      await session.endSession();
      await mongo.client.db("admin").command({ setParameter: 1, transactionLifetimeLimitSeconds: 60 });
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

describe("snapshot reads outside of transactions", () => {
  const mongo = mongoForTests();
  let count = 0;
  async function stored(...numbers: number[]) {
    const items = mongo.db.collection<{ _id: number; n: number }>(`snapshots-${count++}`);
    await items.insertMany(numbers.map((n) => ({ _id: n, n })));
    return items;
  }

  it("see one state during their whole session", async () => {
    const items = await stored(1, 2, 3);
    await items.createIndex({ n: 1 });
    const session = mongo.client.startSession({ snapshot: true });
    const ids = async () => (await items.find({ n: { $gt: 0 } }, { session }).toArray()).map(({ n }) => n);
    assert.deepEqual(await ids(), [1, 2, 3]);
    await items.updateOne({ _id: 1 }, { $set: { n: 10 } });
    await items.deleteOne({ _id: 2 });
    await items.insertOne({ _id: 4, n: 4 });
    assert.deepEqual(await ids(), [1, 2, 3]);
    assert.deepEqual(await items.distinct("n", {}, { session }), [1, 2, 3]);
    assert.equal(await items.countDocuments({}, { session }), 3);
    const sum = await items.aggregate([{ $group: { _id: null, n: { $sum: "$n" } } }], { session }).toArray();
    assert.deepEqual(sum, [{ _id: null, n: 6 }]);
    await session.endSession();
    assert.deepEqual((await items.distinct("n")).sort(), [10, 3, 4]);
  });

  it("of two sessions see different states", async () => {
    const items = await stored(1);
    const [early, late] = [true, true].map((snapshot) => mongo.client.startSession({ snapshot }));
    assert.equal((await items.findOne({ _id: 1 }, { session: early! }))!.n, 1);
    await items.updateOne({ _id: 1 }, { $set: { n: 2 } });
    assert.equal((await items.findOne({ _id: 1 }, { session: late! }))!.n, 2);
    await items.updateOne({ _id: 1 }, { $set: { n: 3 } });
    assert.equal((await items.findOne({ _id: 1 }, { session: early! }))!.n, 1);
    assert.equal((await items.findOne({ _id: 1 }, { session: late! }))!.n, 2);
    for (const session of [early!, late!]) await session.endSession();
  });

  it("keep their state over the batches of a cursor", async () => {
    const items = await stored(1, 2, 3, 4, 5);
    const session = mongo.client.startSession({ snapshot: true });
    const cursor = items.find({}, { session, batchSize: 2, sort: { _id: 1 } });
    const seen = [(await cursor.next())!.n];
    await items.updateMany({}, { $inc: { n: 100 } });
    for (let next = await cursor.next(); next !== null; next = await cursor.next()) seen.push(next.n);
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    await session.endSession();
  });

  it("return their time, which can be used to read the same state again", async () => {
    const items = await stored(1);
    const read = (readConcern: Document): Promise<Document> =>
      mongo.db.command({ find: items.collectionName, readConcern });
    const { cursor } = await read({ level: "snapshot" });
    assert.ok(cursor.atClusterTime instanceof BSON.Timestamp);
    await items.insertOne({ _id: 2, n: 2 });
    const again = await read({ level: "snapshot", atClusterTime: cursor.atClusterTime });
    assert.deepEqual(again.cursor, cursor);
    const found = await mongo.db.command({
      distinct: items.collectionName,
      key: "n",
      readConcern: { level: "snapshot" },
    });
    assert.deepEqual(found.values, [1, 2]);
    assert.ok(found.atClusterTime.greaterThan(cursor.atClusterTime));
    await assert.rejects(
      read({ level: "snapshot", atClusterTime: BSON.Timestamp.fromBits(0, 0x7fffffff) }),
      (error: Document) => error.code === 72,
    );
  });
});

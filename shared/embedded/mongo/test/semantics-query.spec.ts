import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { filterCases } from "../query/filter-cases.fixture.ts";
import { projectedDocument, projectionCases } from "../query/projection-cases.fixture.ts";
import { canonical, EXACT } from "./canonical.fixture.ts";
import { mongoForTests } from "./mongo.fixture.ts";

describe("queries", () => {
  const mongo = mongoForTests();
  let count = 0;
  const fresh = () => mongo.db.collection<Document>(`queries-${count++}`);

  it("filters match documents", async () => {
    for (const direction of [0, 1, -1] as const) {
      const items = fresh();
      if (direction !== 0) {
        const keys = [{ a: direction }, { "a.b": -direction as 1 | -1 }, { b: 1, a: direction }] as const;
        await items.createIndexes(keys.map((key) => ({ key: { ...key } as Record<string, 1 | -1> })));
      }
      for (const [filter, doc, expected] of filterCases) {
        await items.deleteMany({});
        await items.insertOne({ ...doc });
        const label = `${BSON.EJSON.stringify(filter)} on ${BSON.EJSON.stringify(doc)}, index: ${direction}`;
        assert.equal(await items.countDocuments(filter), expected ? 1 : 0, label);
        assert.equal((await items.find(filter).toArray()).length, expected ? 1 : 0, label);
      }
    }
  });

  it("projections shape documents", async () => {
    const items = fresh();
    await items.insertOne({ ...projectedDocument } as Document);
    for (const [projection, expected, filter = {}] of projectionCases) {
      const [found] = await items.find(filter, { ...EXACT, projection }).toArray();
      assert.equal(canonical(found!), canonical(expected), BSON.EJSON.stringify(projection));
    }
  });

  it("arrays sort by their smallest element ascending and their largest descending", async () => {
    const items = fresh();
    await items.insertMany([
      { _id: 1, a: [5, 1] },
      { _id: 2, a: [3] },
      { _id: 3, a: 4 },
      { _id: 4 },
    ] as unknown as Document[]);
    for (const indexed of [false, true]) {
      if (indexed) await items.createIndex({ a: 1 });
      assert.deepEqual(
        (await items.find().sort({ a: 1 }).toArray()).map((doc) => doc._id),
        [4, 1, 2, 3],
      );
      assert.deepEqual(
        (await items.find().sort({ a: -1 }).toArray()).map((doc) => doc._id),
        [1, 3, 2, 4],
      );
    }
  });

  it("sort, skip and limit apply in this order", async () => {
    const items = fresh();
    await items.insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: n as never, k: n % 3 })));
    const page = await items.find().sort({ k: -1, _id: 1 }).skip(2).limit(3).toArray();
    assert.deepEqual(
      page.map((doc) => doc._id),
      [8, 11, 14],
    );
  });

  it("a collation ignores case in queries, sorts and distinct values", async () => {
    const items = fresh();
    const collation = { locale: "en", strength: 2 };
    await items.insertMany([
      { _id: 1, s: "b" },
      { _id: 2, s: "A" },
      { _id: 3, s: "a" },
      { _id: 4, s: "B" },
    ] as unknown as Document[]);
    await items.createIndex({ s: 1 });
    assert.equal((await items.find({ s: "a" }, { collation }).toArray()).length, 2);
    assert.deepEqual(
      (await items.find({}, { collation }).sort({ s: 1, _id: 1 }).toArray()).map((doc) => doc._id),
      [2, 3, 1, 4],
    );
    assert.equal((await items.distinct("s", {}, { collation })).length, 2);
    assert.equal((await items.updateMany({ s: "B" }, { $set: { x: 1 } }, { collation })).matchedCount, 2);
    assert.equal((await items.deleteMany({ s: "A" }, { collation })).deletedCount, 2);
    assert.equal(await items.countDocuments({ s: "a" }), 0);
  });

  it("distinct returns values in order, independent of the order in which they are stored", async () => {
    const items = fresh();
    await items.insertMany([{ a: "b" }, { a: 10 }, { a: ["a", 9] }, { a: "C" }, { a: true }]);
    assert.deepEqual(await items.distinct("a"), [9, 10, "C", "a", "b", true]);
    const view = `${items.collectionName}-view`;
    await mongo.db.createCollection(view, { viewOn: items.collectionName, pipeline: [] });
    assert.deepEqual(await mongo.db.collection(view).distinct("a"), [9, 10, "C", "a", "b", true]);
    const collation = { locale: "en" };
    assert.deepEqual(await items.distinct("a", {}, { collation }), [9, 10, "a", "b", "C", true]);
  });

  it("distinct returns each element of arrays once", async () => {
    const items = fresh();
    await items.insertMany([
      { a: [1, 2] },
      { a: BSON.Long.ONE },
      { a: 3 },
      {},
      { a: null },
      { a: [[4]] },
    ] as Document[]);
    assert.deepEqual(await items.distinct("a"), [null, 1, 2, 3, [4]]);
  });

  it("unknown operators are rejected even if the collection does not exist", async () => {
    const nowhere = fresh();
    await assert.rejects(nowhere.findOne({ a: { $bogus: 1 } }), { code: 2 });
    await assert.rejects(nowhere.countDocuments({ $bogus: 1 }), { code: 2 });
    await assert.rejects(nowhere.find({}, { projection: { a: 1, b: 0 } }).toArray(), { code: 31254 });
    await assert.rejects(nowhere.updateOne({}, { $bogus: { a: 1 } }), { code: 9 });
    await assert.rejects(nowhere.aggregate([{ $bogus: 1 }]).toArray(), { code: 40324 });
    await assert.rejects(nowhere.aggregate([{ $project: { a: { $bogus: 1 } } }]).toArray(), { code: 168 });
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Document } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

describe("a view", () => {
  const mongo = mongoForTests();
  const view = () => mongo.db.collection<{ _id: number; twice?: number; tags?: string[] }>("evens");
  before(async () => {
    await mongo.db
      .collection<{ _id: number }>("numbers")
      .insertMany(
        [1, 2, 3, 4, 5, 6].map((n) => ({ _id: n, n, tags: n % 4 === 0 ? ["four", "even"] : ["even"] })),
      );
    await mongo.db.createCollection("evens", {
      viewOn: "numbers",
      pipeline: [{ $match: { n: { $mod: [2, 0] } } }, { $set: { twice: { $multiply: ["$n", 2] } } }],
    });
  });

  it("supports find, count and aggregate like a collection", async () => {
    const found = await view()
      .find({ twice: { $gt: 4 } }, { sort: { _id: -1 }, projection: { twice: 1 } })
      .toArray();
    assert.deepEqual(found, [
      { _id: 6, twice: 12 },
      { _id: 4, twice: 8 },
    ]);
    assert.deepEqual(
      (
        await view()
          .find({}, { skip: 1, limit: 1, sort: { _id: 1 } })
          .toArray()
      ).map(({ _id }) => _id),
      [4],
    );
    assert.equal(await view().estimatedDocumentCount(), 3);
    assert.equal(await view().countDocuments({ twice: 8 }), 1);
    assert.deepEqual(await view().distinct("tags"), ["even", "four"]);
    const sum = await view()
      .aggregate([{ $group: { _id: null, n: { $sum: "$twice" } } }])
      .toArray();
    assert.deepEqual(sum, [{ _id: null, n: 24 }]);
    const batches = view().find({}, { batchSize: 1, sort: { _id: 1 } });
    assert.deepEqual(
      (await batches.toArray()).map(({ _id }) => _id),
      [2, 4, 6],
    );
  });

  it("can be defined on another view, and be joined", async () => {
    await mongo.db.createCollection("large", {
      viewOn: "evens",
      pipeline: [{ $match: { twice: { $gte: 8 } } }],
    });
    assert.deepEqual(await mongo.db.collection("large").distinct("_id"), [4, 6]);
    const joined = await mongo.db
      .collection("numbers")
      .aggregate([
        { $match: { _id: { $in: [3, 4] } } },
        { $lookup: { from: "large", localField: "n", foreignField: "n", as: "large" } },
        { $project: { count: { $size: "$large" } } },
      ])
      .toArray();
    assert.deepEqual(joined, [
      { _id: 3, count: 0 },
      { _id: 4, count: 1 },
    ]);
  });

  it("returns the current content of its collection", async () => {
    await mongo.db.collection<{ _id: number }>("numbers").insertOne({ _id: 8, n: 8 } as { _id: number });
    assert.equal((await view().findOne({ _id: 8 }))!.twice, 16);
    await mongo.db.collection<{ _id: number }>("numbers").deleteOne({ _id: 8 });
  });

  it("is listed as a view and accepts no writes and no indexes", async () => {
    const [listed] = await mongo.db.listCollections({ name: "evens" }).toArray();
    assert.equal(listed!.type, "view");
    assert.equal((listed as Document).options.viewOn, "numbers");
    assert.equal((listed as Document).info.readOnly, true);
    await assert.rejects(view().insertOne({ _id: 10 }), { code: 166 });
    await assert.rejects(view().updateOne({}, { $set: { twice: 1 } }), { code: 166 });
    await assert.rejects(view().deleteOne({}), { code: 166 });
    await assert.rejects(view().findOneAndUpdate({}, { $set: { twice: 1 } }), { code: 166 });
    await assert.rejects(view().createIndex({ n: 1 }), { code: 166 });
    await assert.rejects(view().find({}, { showRecordId: true }).toArray(), { code: 167 });
  });

  it("is changed, and dropped without its collection", async () => {
    await mongo.db.createCollection("changing", { viewOn: "numbers", pipeline: [{ $match: { n: 1 } }] });
    await mongo.db.command({
      collMod: "changing",
      viewOn: "numbers",
      pipeline: [{ $match: { n: { $lt: 3 } } }],
    });
    assert.equal(await mongo.db.collection("changing").countDocuments(), 2);
    await mongo.db.collection("changing").drop();
    assert.equal(await mongo.db.listCollections({ name: "changing" }).hasNext(), false);
    assert.equal(await mongo.db.collection("numbers").countDocuments(), 6);
  });

  it("with an invalid definition is rejected", async () => {
    const create = (command: Document) => mongo.db.command({ create: "refused", ...command });
    await assert.rejects(create({ viewOn: "numbers", pipeline: [{ $noSuchStage: 1 }] }), { code: 40324 });
    await assert.rejects(create({ viewOn: "numbers", pipeline: [{ $out: "a" }] }), { code: 167 });
    await assert.rejects(create({ viewOn: "refused", pipeline: [] }), { code: 5 });
    await assert.rejects(create({ pipeline: [] }), { code: 72 });
    await assert.rejects(create({ viewOn: "numbers", validator: { a: 1 } }), { code: 72 });
    await assert.rejects(mongo.db.command({ create: "evens", viewOn: "numbers", pipeline: [] }), {
      code: 48,
    });
  });
});

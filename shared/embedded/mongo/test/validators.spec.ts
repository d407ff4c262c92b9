import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Document, MongoBulkWriteError, MongoServerError } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

describe("a validator", () => {
  const mongo = mongoForTests();
  let count = 0;
  async function ruled(options: Document = {}) {
    const name = `ruled-${count++}`;
    await mongo.db.createCollection(name, { validator: { age: { $type: "int", $gte: 0 } }, ...options });
    return mongo.db.collection<{ _id: number } & Document>(name);
  }
  const failed = { code: 121 };

  it("rejects documents that violate it, for every kind of write", async () => {
    const people = await ruled();
    await people.insertOne({ _id: 1, age: 5 });
    await assert.rejects(people.insertOne({ _id: 2, age: -1 }), failed);
    await assert.rejects(people.insertOne({ _id: 2 }), failed);
    await assert.rejects(people.updateOne({ _id: 1 }, { $set: { age: "old" } }), failed);
    await assert.rejects(people.updateMany({}, { $inc: { age: -10 } }), failed);
    await assert.rejects(people.replaceOne({ _id: 1 }, { age: null }), failed);
    await assert.rejects(people.updateOne({ _id: 3 }, { $set: { age: -3 } }, { upsert: true }), failed);
    await assert.rejects(people.findOneAndUpdate({ _id: 1 }, { $set: { age: null } }), failed);
    const merge = [{ $set: { age: -2 } }, { $merge: people.collectionName }];
    await assert.rejects(people.aggregate(merge).toArray(), failed);
    assert.deepEqual(await people.find().toArray(), [{ _id: 1, age: 5 }]);
    await people.updateOne({ _id: 1 }, { $set: { age: 6 } });
    await people.deleteOne({ _id: 1 });
  });

  it("reports which document violated it, and where", async () => {
    const people = await ruled();
    const isDetailed = (info: Document) => {
      assert.equal(info.failingDocumentId, 7);
      assert.equal(typeof info.details, "object");
      return true;
    };
    await assert.rejects(people.insertOne({ _id: 7, age: "x" }), (error: MongoServerError) =>
      isDetailed(error.errInfo!),
    );
    await assert.rejects(
      people.bulkWrite([{ insertOne: { document: { _id: 7, age: -1 } } }]),
      (error: MongoBulkWriteError) => isDetailed([error.writeErrors].flat()[0]!.err.errInfo!),
    );
    await people.insertOne({ _id: 7, age: 1 });
    await assert.rejects(
      people.findOneAndUpdate({ _id: 7 }, { $set: { age: -1 } }),
      (error: MongoServerError) => isDetailed(error.errInfo!),
    );
  });

  it("can be bypassed", async () => {
    const people = await ruled();
    await people.insertOne({ _id: 1, age: -1 }, { bypassDocumentValidation: true });
    await assert.rejects(people.updateOne({ _id: 1 }, { $set: { age: -2 } }), failed);
    await people.updateOne({ _id: 1 }, { $set: { age: -2 } }, { bypassDocumentValidation: true });
  });

  it("leaves alone what its level and action exempt", async () => {
    const moderate = await ruled({ validationLevel: "moderate" });
    await moderate.insertOne({ _id: 1, age: -1 }, { bypassDocumentValidation: true });
    await moderate.updateOne({ _id: 1 }, { $set: { age: -2 } });
    await assert.rejects(moderate.insertOne({ _id: 2, age: -1 }), failed);
    for (const options of [{ validationLevel: "off" }, { validationAction: "warn" }]) {
      const lax = await ruled(options);
      await lax.insertOne({ _id: 1, age: -1 });
    }
  });

  it("is set and removed by collMod, and listed", async () => {
    const people = mongo.db.collection<{ _id: number; age: number }>("modified");
    await people.insertOne({ _id: 1, age: -1 });
    await mongo.db.command({ collMod: "modified", validator: { age: { $gt: 0 } } });
    await assert.rejects(people.insertOne({ _id: 2, age: -2 }), failed);
    const [listed] = await mongo.db.listCollections({ name: "modified" }).toArray();
    assert.deepEqual((listed as Document).options, {
      validator: { age: { $gt: 0 } },
      validationLevel: "strict",
      validationAction: "error",
    });
    await mongo.db.command({ collMod: "modified", validationLevel: "off" });
    await people.insertOne({ _id: 2, age: -2 });
    await assert.rejects(mongo.db.command({ collMod: "modified", validationLevel: "none" }), { code: 2 });
    await assert.rejects(mongo.db.command({ collMod: "modified", validator: { $noSuch: 1 } }), { code: 2 });
  });

  it("may be repeated in a create with the same options", async () => {
    const options = { validator: { a: 1 } };
    await mongo.db.createCollection("again", options);
    await mongo.db.createCollection("again", options);
    await assert.rejects(mongo.db.createCollection("again", { validator: { a: 2 } }), { code: 48 });
  });
});

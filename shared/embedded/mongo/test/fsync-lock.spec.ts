import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { mongoForTests } from "./mongo.fixture.ts";

describe("a server that is locked by fsync", () => {
  const mongo = mongoForTests();
  const admin = (command: object) => mongo.client.db("admin").command(command);
  const items = () => mongo.db.collection<{ _id: number; n?: number }>("items");
  const lockCount = async () => Number((await admin({ fsync: 1, lock: true })).lockCount);
  const unlock = async () => Number((await admin({ fsyncUnlock: 1 })).lockCount);
  after(async () => {
    for (let left = 5; left > 0; left--) await unlock().catch(() => {});
  });

  it("only flushes without lock", async () => {
    assert.equal((await admin({ fsync: 1 })).numFiles, 1);
    await items().insertOne({ _id: 1 });
    await assert.rejects(unlock(), { code: 20 });
    await assert.rejects(mongo.db.command({ fsync: 1, lock: true }), { code: 13 });
  });

  it("serves reads and makes writes wait until it is unlocked", async () => {
    const session = mongo.client.startSession();
    session.startTransaction();
    await items().insertOne({ _id: 2 }, { session });
    assert.equal(await lockCount(), 1);
    const done: string[] = [];
    const writes = Object.entries({
      insert: items().insertOne({ _id: 3 }),
      update: items().updateOne({ _id: 1 }, { $set: { n: 1 } }),
      findAndModify: items().findOneAndUpdate({ _id: 1 }, { $inc: { m: 1 } } as object),
      create: mongo.db.createCollection("made"),
      index: items().createIndex({ n: 1 }),
      out: items()
        .aggregate([{ $out: "copy" }])
        .toArray(),
      commit: session.commitTransaction(),
    }).map(([name, write]) => write.then(() => done.push(name)));
    const shown = await admin({ currentOp: 1 });
    assert.equal(shown.fsyncLock, true);
    assert.deepEqual(await items().find().toArray(), [{ _id: 1 }]);
    await assert.rejects(
      mongo.db.command({ update: "items", updates: [{ q: {}, u: { $set: { n: 9 } } }], maxTimeMS: 50 }),
      { code: 50 },
    );
    assert.deepEqual(done, []);
    assert.equal(await lockCount(), 2);
    assert.equal(await unlock(), 1);
    assert.deepEqual(done, []);
    assert.equal(await unlock(), 0);
    await Promise.all(writes);
    await session.endSession();
    assert.equal(done.length, 7);
    assert.deepEqual(
      (await items().find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id),
      [1, 2, 3],
    );
    assert.equal((await admin({ currentOp: 1 })).fsyncLock, undefined);
  });
});

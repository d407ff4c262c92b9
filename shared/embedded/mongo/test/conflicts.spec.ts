import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientSession, Collection, MongoServerError } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

interface Item {
  _id: number | string;
  n?: number;
  key?: string;
}

const isConflict = (error: MongoServerError) =>
  error.code === 112 && error.hasErrorLabel("TransientTransactionError");

describe("two writers on one document or key", () => {
  const mongo = mongoForTests();
  let items: Collection<Item>;
  let names = 0;

  beforeEach(async () => {
    items = mongo.db.collection<Item>(`items-${names++}`);
    await items.createIndex({ key: 1 }, { unique: true, sparse: true });
    await items.insertMany([
      { _id: 1, n: 0, key: "one" },
      { _id: 2, n: 0, key: "two" },
    ]);
  });

  const inTransaction = async <T>(body: (session: ClientSession) => Promise<T>): Promise<T> => {
    const session = mongo.client.startSession();
    session.startTransaction();
    try {
      return await body(session);
    } finally {
      if (session.inTransaction()) await session.abortTransaction();
      await session.endSession();
    }
  };

  const kill = ({ id }: ClientSession) =>
    mongo.client.db("admin").command({ killSessions: [{ id: id?.id }] });

  it("lets the first writer win and labels the error of the second as transient", async () => {
    await inTransaction(async (first) => {
      await items.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: first });
      await inTransaction(async (second) => {
        await items.findOne({ _id: 2 }, { session: second });
        await assert.rejects(
          items.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: second }),
          isConflict,
        );
      });
      await first.commitTransaction();
    });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 1);
  });

  it("frees what an open transaction holds when its session is killed", async () => {
    await inTransaction(async (session) => {
      await items.updateOne({ _id: 1 }, { $set: { n: 5 } }, { session });
      await kill(session);
      await items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
      await assert.rejects(session.commitTransaction(), { code: 251 });
    });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 1);
  });

  it("keeps a commit known when its session is killed, so that the commit can be repeated", async () => {
    await inTransaction(async (session) => {
      await items.updateOne({ _id: 1 }, { $set: { n: 5 } }, { session });
      await session.commitTransaction();
      await kill(session);
      await session.commitTransaction();
    });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 5);
  });

  it("rejects a write to a document that was changed after the transaction's snapshot", async () => {
    await inTransaction(async (session) => {
      assert.equal((await items.findOne({ _id: 1 }, { session }))?.n, 0);
      await items.updateOne({ _id: 1 }, { $set: { n: 5 } });
      assert.equal((await items.findOne({ _id: 1 }, { session }))?.n, 0);
      await assert.rejects(items.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session }), isConflict);
    });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 5);
  });

  it("rejects the deletion of a document that was deleted after the transaction's snapshot", async () => {
    await inTransaction(async (session) => {
      await items.findOne({ _id: 2 }, { session });
      await items.deleteOne({ _id: 1 });
      await assert.rejects(items.deleteOne({ _id: 1 }, { session }), isConflict);
    });
  });

  for (const end of ["commit", "abort"] as const) {
    it(`makes a plain write wait until the transaction that holds the document ends by ${end}`, async () => {
      await inTransaction(async (session) => {
        await items.updateOne({ _id: 1 }, { $set: { n: 10 } }, { session });
        let isDone = false;
        const waiting = items.updateOne({ _id: 1 }, { $inc: { n: 1 } }).then(() => {
          isDone = true;
        });
        // One round trip on another connection: without waiting, the write would have returned by now.
        for (let i = 0; i < 5; i++) await mongo.db.command({ ping: 1 });
        assert.equal(isDone, false);
        await (end === "commit" ? session.commitTransaction() : session.abortTransaction());
        await waiting;
      });
      assert.equal((await items.findOne({ _id: 1 }))?.n, end === "commit" ? 11 : 1);
    });
  }

  it("ends the waiting of a plain write at its maxTimeMS", async () => {
    await inTransaction(async (session) => {
      await items.updateOne({ _id: 1 }, { $set: { n: 10 } }, { session });
      await assert.rejects(
        mongo.db.command({
          update: items.collectionName,
          updates: [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }],
          maxTimeMS: 50,
        }),
        { code: 50 },
      );
    });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 0);
  });

  it("gives a unique key to one of two open transactions", async () => {
    await inTransaction(async (first) => {
      await items.insertOne({ _id: 3, key: "three" }, { session: first });
      await inTransaction(async (second) => {
        await assert.rejects(items.insertOne({ _id: 4, key: "three" }, { session: second }), isConflict);
      });
      await first.commitTransaction();
    });
    await assert.rejects(items.insertOne({ _id: 4, key: "three" }), { code: 11000 });
  });

  it("frees a unique key when the transaction that took it aborts", async () => {
    await inTransaction(async (session) => {
      await items.insertOne({ _id: 3, key: "three" }, { session });
      await session.abortTransaction();
    });
    await items.insertOne({ _id: 4, key: "three" });
    assert.equal(await items.countDocuments({ key: "three" }), 1);
  });

  it("does not treat a key as free that was committed after the snapshot", async () => {
    await inTransaction(async (session) => {
      await items.findOne({ _id: 1 }, { session });
      await items.insertOne({ _id: 3, key: "three" });
      await assert.rejects(items.insertOne({ _id: 4, key: "three" }, { session }), isConflict);
    });
  });

  it("keeps a key taken while the transaction that gives it up is open", async () => {
    await inTransaction(async (first) => {
      await items.updateOne({ _id: 1 }, { $set: { key: "other" } }, { session: first });
      await inTransaction(async (second) => {
        await assert.rejects(items.insertOne({ _id: 4, key: "one" }, { session: second }), isConflict);
      });
      await first.commitTransaction();
    });
    await items.insertOne({ _id: 4, key: "one" });
  });

  it("lets one transaction move a unique key between its own documents", async () => {
    await inTransaction(async (session) => {
      await items.updateOne({ _id: 1 }, { $set: { key: "spare" } }, { session });
      await items.updateOne({ _id: 2 }, { $set: { key: "one" } }, { session });
      await items.updateOne({ _id: 1 }, { $set: { key: "two" } }, { session });
      await session.commitTransaction();
    });
    assert.deepEqual(
      await items
        .find()
        .sort({ _id: 1 })
        .map(({ key }) => key)
        .toArray(),
      ["two", "one"],
    );
    assert.equal((await items.findOne({ key: "one" }))?._id, 2);
    assert.equal(await items.findOne({ key: "spare" }), null);
  });

  it("aborts a transaction whose statement fails", async () => {
    await inTransaction(async (session) => {
      await items.insertOne({ _id: 5 }, { session });
      await assert.rejects(items.insertOne({ _id: 1 }, { session }), { code: 11000 });
      await assert.rejects(items.findOne({ _id: 5 }, { session }), { code: 251 });
    });
    assert.equal(await items.findOne({ _id: 5 }), null);
  });

  it("removes everything that an aborted transaction did, in documents and in indexes", async () => {
    const before = await items.find().sort({ _id: 1 }).toArray();
    await inTransaction(async (session) => {
      await items.insertOne({ _id: 7, key: "seven" }, { session });
      await items.updateOne({ _id: 1 }, { $set: { key: "changed" } }, { session });
      await items.updateOne({ _id: 1 }, { $set: { key: "one" } }, { session });
      await items.updateOne({ _id: 1 }, { $set: { key: "again" } }, { session });
      await items.deleteOne({ _id: 2 }, { session });
      await session.abortTransaction();
    });
    assert.deepEqual(await items.find().sort({ _id: 1 }).toArray(), before);
    assert.deepEqual(
      await items
        .find({ key: { $gte: "" } }, { hint: "key_1" })
        .sort({ _id: 1 })
        .toArray(),
      before,
    );
    for (const key of ["seven", "changed", "again"]) await items.insertOne({ _id: key, key });
  });

  it("finds an existing index at once, even while a transaction on its collection is open", () =>
    inTransaction(async (session) => {
      await items.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
      const created = items.createIndex({ key: 1 }, { unique: true, sparse: true });
      assert.equal(await Promise.race([created, delay(2000, "still waiting", { ref: false })]), "key_1");
    }));

  it("aborts what a lost client left open when the session ends", async () => {
    const other = await mongo.connect();
    const session = other.startSession();
    session.startTransaction();
    await other
      .db(mongo.db.databaseName)
      .collection<Item>(items.collectionName)
      .updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
    await other.close();
    await items.updateOne({ _id: 1 }, { $inc: { n: 7 } });
    assert.equal((await items.findOne({ _id: 1 }))?.n, 7);
  });
});

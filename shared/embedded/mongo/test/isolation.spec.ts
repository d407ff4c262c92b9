import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ClientSession, Document, MongoServerError } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

const SNAPSHOT = { readConcern: { level: "snapshot" }, writeConcern: { w: "majority" } } as const;

describe("isolation of transactions", () => {
  const mongo = mongoForTests();
  /** The server prunes in turns of the event loop, at least one version per turn. */
  const allPruned = async () => {
    for (let turns = mongo.stats()!.retiredVersions; turns > 0; turns--) await nextTurn();
  };

  it("reads one snapshot through indexes while others move documents in them", async () => {
    const tasks = mongo.db.collection("moving");
    await tasks.createIndex({ due: 1 });
    await tasks.insertMany(Array.from({ length: 100 }, (_, n) => ({ n, due: n })));
    const session = mongo.client.startSession();
    session.startTransaction(SNAPSHOT);
    const due = () =>
      tasks
        .find({ due: { $lt: 50 } }, { session, hint: "due_1" })
        .sort({ due: 1 })
        .map(({ n }) => n as number)
        .toArray();
    const before = await due();
    await tasks.updateMany({ due: { $lt: 25 } }, { $inc: { due: 1000 } });
    await tasks.deleteMany({ due: { $gte: 25, $lt: 30 } });
    await tasks.insertMany([
      { n: -1, due: 3 },
      { n: -2, due: 40 },
    ]);
    assert.deepEqual(await due(), before);
    assert.equal(await tasks.countDocuments({ due: { $gte: 1000 } }, { session }), 0);
    await session.commitTransaction();
    await session.endSession();
    assert.deepEqual(
      await tasks
        .find({ due: { $lt: 31 } })
        .sort({ due: 1 })
        .map(({ n }) => n as number)
        .toArray(),
      [-1, 30],
    );
  });

  it("sees its own writes through every index, and no other transaction does", async () => {
    const own = mongo.db.collection<{ _id: number; due: number }>("own");
    await own.createIndex({ due: 1 });
    await own.insertOne({ _id: 1, due: 1 });
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        await own.insertOne({ _id: 2, due: 2 }, { session });
        await own.updateOne({ _id: 1 }, { $set: { due: 3 } }, { session });
        const seen = await own
          .find({ due: { $gte: 0 } }, { session })
          .sort({ due: 1 })
          .toArray();
        assert.deepEqual(seen, [
          { _id: 2, due: 2 },
          { _id: 1, due: 3 },
        ]);
        assert.deepEqual(await own.find({ due: { $gte: 0 } }).toArray(), [{ _id: 1, due: 1 }]);
      }, SNAPSHOT),
    );
    assert.equal(await own.countDocuments({ due: { $gte: 2 } }), 2);
  });

  it("never changes the sum of a bank in which 16 clients move money", async () => {
    const accounts = mongo.db.collection<{ _id: number; balance: number }>("accounts");
    const ACCOUNTS = 12;
    await accounts.insertMany(Array.from({ length: ACCOUNTS }, (_, _id) => ({ _id, balance: 100 })));
    const sumOf = (rows: Document[]) => rows.reduce((sum, { balance }) => sum + balance, 0);
    let isMoving = true;
    const move = (client: number, round: number) =>
      mongo.client.withSession((session) =>
        session.withTransaction(async () => {
          const [from, to] = [(client + round) % ACCOUNTS, (client * 5 + round * 7 + 1) % ACCOUNTS];
          await accounts.updateOne({ _id: from }, { $inc: { balance: -3 } }, { session });
          await accounts.updateOne({ _id: to }, { $inc: { balance: 3 } }, { session });
        }, SNAPSHOT),
      );
    const watch = async () => {
      let sums = 0;
      for (; isMoving; sums++) {
        await mongo.client.withSession((session) =>
          session.withTransaction(async () => {
            const half = await accounts.find({ _id: { $lt: 6 } }, { session }).toArray();
            const rest = await accounts.find({ _id: { $gte: 6 } }, { session }).toArray();
            assert.equal(sumOf([...half, ...rest]), ACCOUNTS * 100);
          }, SNAPSHOT),
        );
      }
      return sums;
    };
    const watching = watch();
    await Promise.all(
      Array.from({ length: 16 }, async (_, client) => {
        for (let round = 0; round < 6; round++) await move(client, round);
      }),
    );
    isMoving = false;
    assert.ok((await watching) > 0);
    assert.equal(sumOf(await accounts.find().toArray()), ACCOUNTS * 100);
  });

  it("hands each job to one of 16 claimers", async () => {
    const jobs = mongo.db.collection("jobs");
    const JOBS = 200;
    await jobs.createIndex({ state: 1, due: 1 });
    await jobs.insertMany(Array.from({ length: JOBS }, (_, n) => ({ n, state: "waiting", due: n % 7 })));
    const claimed: number[] = [];
    await Promise.all(
      Array.from({ length: 16 }, async (_, owner) => {
        for (;;) {
          const job = await jobs.findOneAndUpdate(
            { state: "waiting", due: { $lte: 10 } },
            { $set: { state: "claimed", owner } },
            { sort: { due: 1 } },
          );
          if (job === null) return;
          claimed.push(job.n);
        }
      }),
    );
    assert.equal(claimed.length, JOBS);
    assert.equal(new Set(claimed).size, JOBS);
  });

  it("hides collections that a transaction creates until it commits", async () => {
    const session = mongo.client.startSession();
    session.startTransaction();
    const fresh = mongo.db.collection("made-inside");
    await fresh.insertOne({ a: 1 }, { session });
    await fresh.createIndex({ a: 1 }, { session });
    assert.equal((await mongo.db.listCollections({ name: "made-inside" }).toArray()).length, 0);
    await session.commitTransaction();
    await session.endSession();
    assert.equal(await fresh.countDocuments({ a: 1 }), 1);
    assert.deepEqual(
      (await fresh.indexes()).map(({ name }) => name),
      ["_id_", "a_1"],
    );
  });

  it("applies an update to many documents as one when others change them meanwhile", async () => {
    const counters = mongo.db.collection<{ _id: number; n: number }>("counters");
    await counters.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id, n: 0 })));
    await Promise.all([
      ...Array.from({ length: 8 }, () => counters.updateMany({}, { $inc: { n: 1 } })),
      ...Array.from({ length: 50 }, (_, _id) => counters.updateOne({ _id }, { $inc: { n: 100 } })),
    ]);
    assert.equal(await counters.countDocuments({ n: 108 }), 50);
  });

  it("keeps old versions while a snapshot needs them, and no longer", async (t) => {
    if (mongo.stats() === null) return t.skip("a real server does not tell");
    const watched = mongo.db.collection<{ _id: number; n: number }>("watched");
    await watched.createIndex({ n: 1 });
    await watched.insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id, n: 0 })));
    const kept = () => mongo.stats()!.retiredVersions;
    const session = mongo.client.startSession();
    session.startTransaction(SNAPSHOT);
    await watched.findOne({}, { session });
    for (let n = 0; n < 10; n++) await watched.updateMany({}, { $inc: { n: 1 } });
    await watched.deleteMany({ _id: { $lt: 5 } });
    assert.ok(kept() >= 200, `${kept()} versions`);
    assert.equal(await watched.countDocuments({ n: 0 }, { session, hint: "n_1" }), 20);
    await session.abortTransaction();
    await session.endSession();
    await allPruned();
    assert.equal(kept(), 0);
    const entries = await mongo.db.command({ validate: "watched" });
    assert.deepEqual(entries.keysPerIndex, { _id_: 15, n_1: 15 });
  });

  it("keeps documents and indexes consistent through many transactions that conflict and abort", async () => {
    const storm = mongo.db.collection<{ _id: number; a: number; b: number }>("storm");
    await storm.createIndexes([
      { key: { a: 1 } },
      { key: { b: -1, a: 1 } },
      { key: { a: 1, _id: 1 }, unique: true },
    ]);
    const pick = (sides: number) => Math.floor(Math.random() * sides);
    const change = (_id: number, session?: ClientSession) => {
      switch (pick(4)) {
        case 0:
          return storm.deleteOne({ _id }, { session });
        case 1:
          return storm.updateMany({ a: { $lt: 3 } }, { $inc: { a: 1 } }, { session });
        default:
          return storm.updateOne({ _id }, { $set: { a: pick(10), b: pick(10) } }, { session, upsert: true });
      }
    };
    const client = async () => {
      for (let round = 0; round < 30; round++) {
        const session = mongo.client.startSession();
        session.startTransaction(SNAPSHOT);
        try {
          for (let i = pick(4); i >= 0; i--) await change(pick(30), session);
          await (pick(3) === 0 ? session.abortTransaction() : session.commitTransaction());
        } catch (error) {
          assert.ok([112, 251, 11000].includes((error as MongoServerError).code as number), String(error));
          if (session.inTransaction()) await session.abortTransaction();
        }
        await session.endSession();
        await change(pick(30)).catch((error) => assert.equal(error.code, 11000));
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    const expected = await storm.find().hint({ $natural: 1 }).sort({ _id: 1 }).toArray();
    for (const hint of ["a_1", "b_-1_a_1", "a_1__id_1", "_id_"]) {
      assert.deepEqual(await storm.find().hint(hint).sort({ _id: 1 }).toArray(), expected, hint);
    }
    if (mongo.stats() === null) return;
    await allPruned();
    const { keysPerIndex } = await mongo.db.command({ validate: "storm" });
    for (const count of Object.values(keysPerIndex)) assert.equal(count, expected.length);
    assert.equal(mongo.stats()!.retiredVersions, 0);
  });
});

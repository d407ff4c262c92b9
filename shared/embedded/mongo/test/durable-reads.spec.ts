import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { type EmbeddedMongo, startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { holdableDisk } from "./disks.fixture.ts";
import { eventually } from "./eventually.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

interface Job {
  readonly _id: number;
  readonly state: string;
  readonly by?: number;
}

describe("writes that are not durable yet", { skip: realServerUrl !== undefined }, () => {
  const directory = directoryForTests();
  const disk = holdableDisk();
  let server: EmbeddedMongo;
  let client: MongoClient;
  let jobs: Collection<Job>;
  before(async () => {
    server = await startEmbeddedMongo({ dir: directory.path, disk });
    client = await new MongoClient(server.url).connect();
  });
  after(async () => {
    await client.close();
    await server.close();
  });
  const begin = async (name: string, count = 3) => {
    jobs = client.db("app").collection<Job>(name);
    await jobs.createIndex({ state: 1 });
    await jobs.insertMany(Array.from({ length: count }, (_, _id) => ({ _id, state: "free" })));
    disk.hold();
  };
  afterEach(() => disk.release());

  /** Starts a write, and resolves when it waits for the disk. */
  async function underWay<T>(write: Promise<T>) {
    const sent = { hasReplied: false, write };
    const note = () => {
      sent.hasReplied = true;
    };
    write.then(note, note);
    await eventually(() => disk.held > 0);
    return sent;
  }
  /** Long enough for a reply that does not wait. */
  const letPass = async () => {
    for (let i = 0; i < 20; i++) await client.db("app").command({ ping: 1 });
  };
  const seen = async () => {
    const sorted = await jobs.find().sort({ _id: 1 }).toArray();
    const majority = await jobs.find({}, { readConcern: "majority", sort: { _id: 1 } }).toArray();
    assert.deepEqual(majority, sorted);
    const snapshot = client.startSession({ snapshot: true });
    assert.deepEqual(await jobs.find({}, { session: snapshot, sort: { _id: 1 } }).toArray(), sorted);
    await snapshot.endSession();
    assert.equal(await jobs.countDocuments(), sorted.length);
    const byState = await jobs.find({ state: { $gte: "" } }, { hint: { state: 1 } }).toArray();
    assert.equal(byState.length, sorted.length);
    return sorted.map(({ _id, state }) => `${_id} ${state}`);
  };

  it("are visible to no reader before they are durable, and to every reader afterwards", async () => {
    await begin("seen");
    const before = await seen();
    const insert = await underWay(jobs.insertOne({ _id: 7, state: "new" }));
    const update = await underWay(jobs.updateOne({ _id: 0 }, { $set: { state: "taken" } }));
    const again = await underWay(jobs.updateOne({ _id: 0 }, { $set: { state: "done" } }));
    const removal = await underWay(jobs.deleteOne({ _id: 1 }));
    await letPass();
    assert.deepEqual(await seen(), before);
    const sent = [insert, update, again, removal];
    assert.deepEqual(
      sent.map(({ hasReplied }) => hasReplied),
      [false, false, false, false],
    );
    disk.release();
    await Promise.all(sent.map(({ write }) => write));
    assert.deepEqual(await seen(), ["0 done", "2 free", "7 new"]);
  });

  it("can be the basis of other writes, which the same flush makes durable", async () => {
    await begin("takes", 12);
    const takeJob = (by: number) =>
      jobs.findOneAndUpdate({ state: "free" }, { $set: { state: "taken", by } }, { sort: { _id: 1 } });
    const takes = Array.from({ length: 12 }, (_, by) => takeJob(by));
    await eventually(() => disk.held > 0);
    await letPass();
    const nothing = await underWay(takeJob(12));
    await letPass();
    assert.equal(
      nothing.hasReplied,
      false,
      "the reply that no job is free waits until the others are durable",
    );
    disk.release();
    const taken = await Promise.all(takes);
    assert.equal(new Set(taken.map((job) => job?._id)).size, 12);
    assert.equal(await nothing.write, null);
  });

  it("wait for their own flush only, and not for those of later writes", async () => {
    await begin("order");
    const first = await underWay(jobs.insertOne({ _id: 7, state: "new" }));
    const second = await underWay(jobs.insertOne({ _id: 8, state: "new" }));
    await letPass();
    disk.release();
    disk.hold();
    await eventually(() => first.hasReplied && disk.held > 0);
    assert.equal(second.hasReplied, false);
    disk.release();
    await second.write;
  });

  it("delay replies that depend on them: a miss, a duplicate key, a conflict", async () => {
    await begin("misses");
    await underWay(jobs.deleteOne({ _id: 0 }));
    const miss = await underWay(jobs.updateOne({ _id: 0 }, { $set: { state: "taken" } }));
    const insert = await underWay(jobs.insertOne({ _id: 9, state: "new" }));
    const duplicate = await underWay(jobs.insertOne({ _id: 9, state: "newer" }));
    const upsert = await underWay(
      jobs.findOneAndUpdate({ _id: 9, state: "other" }, { $set: { by: 1 } }, { upsert: true }),
    );
    const session = client.startSession();
    session.startTransaction();
    const conflict = await underWay(jobs.updateOne({ _id: 0 }, { $set: { by: 1 } }, { session }));
    await letPass();
    const waiting = [miss, insert, duplicate, upsert, conflict];
    assert.deepEqual(
      waiting.map(({ hasReplied }) => hasReplied),
      [false, false, false, false, false],
    );
    disk.release();
    assert.equal((await miss.write).matchedCount, 0);
    await assert.rejects(duplicate.write, { code: 11000 });
    await assert.rejects(upsert.write, { code: 11000 });
    await assert.rejects(conflict.write, { code: 112 });
    await session.endSession();
  });

  it("are not in the snapshot of a transaction, which conflicts with them", async () => {
    await begin("transactions");
    const update = await underWay(jobs.updateOne({ _id: 0 }, { $set: { by: 1 } }));
    const session = client.startSession();
    let tries = 0;
    const transaction = session.withTransaction(async () => {
      tries += 1;
      const found = await jobs.findOne({ _id: 0 }, { session });
      if (tries === 1) {
        assert.equal(found?.by, undefined);
        setImmediate(() => disk.release());
      }
      await jobs.updateOne({ _id: 0 }, { $set: { by: (found?.by ?? 0) + 1 } }, { session });
    });
    await Promise.all([update.write, transaction]);
    await session.endSession();
    assert.deepEqual([tries, (await jobs.findOne({ _id: 0 }))?.by], [2, 2]);
  });

  it("do not block an index build, and are in the index", async () => {
    await begin("indexes", 200);
    disk.release();
    let isOver = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; !isOver; n++) await jobs.updateOne({ _id: writer + 4 * (n % 50) }, { $set: { by: n } });
    });
    await jobs.createIndex({ by: 1 });
    isOver = true;
    await Promise.all(writers);
    const all = await jobs.find().toArray();
    const indexed = await jobs.find({ by: { $gte: 0 } }, { hint: { by: 1 } }).toArray();
    assert.equal(indexed.length, all.filter(({ by }) => by !== undefined).length);
  });
});

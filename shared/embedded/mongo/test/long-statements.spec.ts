import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { type MongoThread, startMongoThread } from "../start-mongo-thread.ts";
import { realServerUrl } from "./mongo.fixture.ts";

interface Item {
  _id: number;
  state: string;
  n: number;
}

/** Enough documents that each statement takes at least ten turns, with a reply to a small command in each. */
const ITEMS = 30_000;
const items = (from: number): Item[] =>
  Array.from({ length: ITEMS }, (_, i) => ({ _id: from + i, state: "old", n: (i * 7_919) % ITEMS }));

/** The server runs in its own thread, so that it works while the test does. */
describe("one statement over very many documents", () => {
  let thread: MongoThread | null = null;
  let client: MongoClient;
  let collection: Collection<Item>;
  before(async () => {
    if (realServerUrl === undefined) thread = await startMongoThread({ memory: true });
    client = await new MongoClient(realServerUrl ?? thread!.url).connect();
    collection = client.db(`test-${randomBytes(6).toString("hex")}`).collection("items");
    await collection.insertMany(items(0));
  });
  after(async () => {
    await collection.db.dropDatabase();
    await client.close();
    await thread?.close();
  });

  /** A copy of the items in another collection. */
  const copied = async (): Promise<Collection<Item>> => {
    const name = `copy-${randomBytes(6).toString("hex")}`;
    await collection.aggregate([{ $out: name }]).toArray();
    return collection.db.collection(name);
  };

  /** Runs a long statement, sends small commands during it, and returns their replies. */
  async function repliesDuring<T>(
    long: () => Promise<unknown>,
    small: () => Promise<T>,
    commands = 1,
  ): Promise<T[]> {
    let isRunning = true;
    const running = long().finally(() => {
      isRunning = false;
    });
    const replies: T[] = [];
    while (isRunning) {
      const reply = await small();
      if (isRunning) replies.push(reply);
    }
    await running;
    // One may come before each of its commands, which does not prove that it pauses.
    assert.ok(replies.length > commands, `${replies.length} replies came in between`);
    return replies;
  }

  const inTransaction = (end: "commitTransaction" | "abortTransaction") => () =>
    client.withSession(async (session) => {
      session.startTransaction();
      await collection.updateMany({}, { $inc: { n: 1 } }, { session });
      await session[end]();
    });
  /** A read of everything takes one command for the first batch and one for the rest. */
  const statements: Readonly<Record<string, () => Promise<unknown>>> = {
    insertMany: () => collection.db.collection<Item>("inserted").insertMany(items(0)),
    updateMany: () => collection.updateMany({}, { $inc: { n: 1 } }),
    deleteMany: () => collection.db.collection("inserted").deleteMany({}),
    "a transaction with its commit": inTransaction("commitTransaction"),
    "a transaction with its end": inTransaction("abortTransaction"),
    "an index build": () => collection.createIndex({ state: 1, n: 1 }),
    distinct: () => collection.distinct("n"),
    $group: () => collection.aggregate([{ $group: { _id: "$n", ids: { $push: "$_id" } } }]).toArray(),
    "a sort": () => collection.find().sort({ n: -1, state: 1 }).toArray(),
    $lookup: () =>
      collection
        .aggregate([{ $lookup: { from: "items", localField: "n", foreignField: "_id", as: "other" } }])
        .toArray(),
    $out: copied,
  };
  for (const [name, statement] of Object.entries(statements)) {
    it(`serves small ones in between: ${name}`, async () => {
      await repliesDuring(statement, () => client.db("admin").command({ ping: 1 }), 2);
    });
  }

  describe("and others on the same documents", { skip: realServerUrl !== undefined }, () => {
    it("becomes visible all at once", async () => {
      const target = await copied();
      const pairs = await repliesDuring(
        () => target.updateMany({}, { $set: { state: "new" } }),
        () => target.find({ _id: { $in: [0, ITEMS - 1] } }).toArray(),
      );
      for (const [first, last] of pairs) assert.equal(first!.state, last!.state);
    });

    it("does not find documents that were inserted since it began", async () => {
      const target = await copied();
      let id = ITEMS;
      const inserted = await repliesDuring(
        () => target.deleteMany({}),
        async () => (await target.insertOne({ _id: id++, state: "young", n: -1 })).insertedId,
      );
      // The first may have come before the deletion began.
      for (const _id of inserted.slice(1)) assert.ok(await target.findOne({ _id }), `${_id} is left`);
    });

    it("loses no change of another writer in either order", async () => {
      const target = await copied();
      const ids = Array.from({ length: 20 }, (_, i) => i * 1_497);
      await Promise.all([
        target.updateMany({}, { $inc: { n: 1_000_000 } }),
        ...ids.map((_id) => target.updateOne({ _id }, { $inc: { n: 1_000_000 } })),
      ]);
      assert.equal(await target.countDocuments({ n: { $gte: 1_000_000 } }), ITEMS);
      assert.equal(await target.countDocuments({ n: { $gte: 2_000_000 } }), ids.length);
    });
  });
});

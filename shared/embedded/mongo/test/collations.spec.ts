import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type CollationOptions, type CollectionInfo, type Document, MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { directoryForTests, mongoForTests } from "./mongo.fixture.ts";

const caseless = { locale: "en_US", strength: 2 } as const;
const shown = {
  locale: "en_US",
  caseLevel: false,
  caseFirst: "off",
  strength: 2,
  numericOrdering: false,
  alternate: "non-ignorable",
  maxVariable: "punct",
  normalization: false,
  backwards: false,
};

interface User {
  _id: number;
  email?: unknown;
  n?: number;
}

describe("an index with a collation", () => {
  const mongo = mongoForTests();
  const users = () => mongo.db.collection<User>("users");
  const usedIndex = async (filter: object, options: object = {}): Promise<string | null> => {
    const text = JSON.stringify(await users().find(filter, options).explain("queryPlanner"));
    return /"indexName":"([^"]+)"/.exec(text)?.[1] ?? null;
  };
  const ids = async (filter: object, options: object = {}): Promise<number[]> =>
    (await users().find(filter, options).toArray()).map(({ _id }) => _id).sort((a, b) => a - b);

  before(async () => {
    const many = Array.from({ length: 300 }, (_, n) => ({ _id: n, email: `User${n}@Example.org`, n }));
    await users().insertMany(many);
    await users().createIndex({ email: 1 }, { name: "caseless", unique: true, collation: caseless });
  });

  it("is listed with all options of its collation", async () => {
    const indexes = await users().listIndexes().toArray();
    const { version, ...options } = indexes.find(({ name }) => name === "caseless")!.collation;
    assert.deepEqual(options, shown);
    assert.equal(typeof version, "string");
  });

  it("rejects values that are equal under the collation as duplicates", async () => {
    await assert.rejects(users().insertOne({ _id: 1000, email: "USER7@example.ORG" }), { code: 11000 });
    await assert.rejects(users().updateOne({ _id: 8 }, { $set: { email: "user7@EXAMPLE.org" } }), {
      code: 11000,
    });
    await users().updateOne({ _id: 7 }, { $set: { email: "USER7@EXAMPLE.ORG" } });
    await users().insertOne({ _id: 1001, email: "usér7@example.org" });
    await users().deleteOne({ _id: 1001 });
    await assert.rejects(users().insertOne({ _id: 1001, email: ["x", "uSer9@example.org"] }), {
      code: 11000,
    });
    const twins = mongo.db.collection("twins");
    await twins.insertMany([{ s: "a" }, { s: "A" }]);
    await assert.rejects(twins.createIndex({ s: 1 }, { unique: true, collation: caseless }), { code: 11000 });
  });

  it("serves equality under the same collation only", async () => {
    const email = "user42@EXAMPLE.org";
    assert.equal(await usedIndex({ email }, { collation: caseless }), "caseless");
    assert.deepEqual(await ids({ email }, { collation: caseless }), [42]);
    assert.equal(await usedIndex({ email }), null);
    assert.deepEqual(await ids({ email }), []);
    const other = { locale: "en_US", strength: 1 };
    assert.equal(await usedIndex({ email }, { collation: other }), null);
    assert.deepEqual(await ids({ email }, { collation: other }), [42]);
    assert.deepEqual(
      await ids({ email: { $in: [email, "USER1@example.org"] } }, { collation: caseless }),
      [1, 42],
    );
    assert.deepEqual(await ids({ email: "nobody" }, { collation: caseless }), []);
    // Numbers ignore the collation.
    assert.equal(await usedIndex({ email: 5 }), "caseless");
  });

  it("returns order and ranges of the collation, without using the index", async () => {
    const range = { email: { $gte: "uSER298", $lt: "USER3" } };
    assert.deepEqual(await ids(range, { collation: caseless }), [298, 299]);
    const last = await users()
      .find({}, { collation: caseless, sort: { email: -1 }, limit: 1 })
      .toArray();
    assert.equal(last[0]!._id, 99);
  });

  it("can exist next to another index on the same field", async () => {
    await users().createIndex({ email: 1 });
    await users().createIndex({ email: 1 }, { name: "caseless", unique: true, collation: caseless });
    await assert.rejects(
      users().createIndex({ email: 1 }, { name: "caseless", unique: true, collation: { locale: "fr" } }),
      { code: 86 },
    );
    assert.equal(await usedIndex({ email: "User5@Example.org" }), "email_1");
    assert.equal(await usedIndex({ email: "user5@example.org" }, { collation: caseless }), "caseless");
    await assert.rejects(mongo.db.command({ dropIndexes: "users", index: { email: 1 } }), { code: 181 });
    await users().dropIndex("email_1");
  });

  it("serves a partial index if both collations are the same", async () => {
    await users().createIndex(
      { n: 1 },
      { partialFilterExpression: { email: { $eq: "user5@example.org" } }, collation: caseless },
    );
    const filter = { n: 5, email: "USER5@example.org" };
    assert.equal(await usedIndex(filter, { collation: caseless, hint: "n_1" }), "n_1");
    assert.deepEqual(await ids(filter, { collation: caseless, hint: "n_1" }), [5]);
    assert.deepEqual(await ids({ n: 5, email: "User5@Example.org" }), [5]);
  });
});

describe("a collection with a collation", () => {
  const mongo = mongoForTests();
  const items = () => mongo.db.collection<{ _id: string | number; s: string; n?: number }>("items");

  before(async () => {
    await mongo.db.createCollection("items", { collation: caseless });
    await items().insertMany([
      { _id: "one", s: "b" },
      { _id: "two", s: "A" },
      { _id: "three", s: "a" },
    ]);
    await items().createIndex({ s: 1 });
    await items().createIndex({ s: 1 }, { name: "by bytes", collation: { locale: "simple" } });
  });

  it("passes it to its indexes, including the one on _id", async () => {
    const indexes = await items().listIndexes().toArray();
    assert.deepEqual(
      indexes.map(({ name, collation }) => [name, collation?.strength]),
      [
        ["_id_", 2],
        ["s_1", 2],
        ["by bytes", undefined],
      ],
    );
    const [described] = await mongo.db.listCollections({ name: "items" }, { nameOnly: false }).toArray();
    const { version, ...rest } = (described as CollectionInfo).options!.collation as Document;
    assert.equal(typeof version, "string");
    assert.deepEqual(rest, shown);
    await assert.rejects(items().insertOne({ _id: "ONE", s: "x" }), { code: 11000 });
  });

  it("applies it to queries of every kind", async () => {
    const count = (filter: object, options: object = {}) => items().countDocuments(filter, options);
    assert.equal(await count({ s: "a" }), 2);
    assert.equal(await count({ s: "a" }, { collation: { locale: "simple" } }), 1);
    assert.equal((await items().findOne({ _id: "ONE" }))!.s, "b");
    assert.equal(await items().findOne({ _id: "ONE" }, { collation: { locale: "simple" } }), null);
    assert.deepEqual((await items().distinct("s")).sort(), ["A", "b"]);
    assert.deepEqual(
      (await items().find().sort({ s: 1, _id: 1 }).toArray()).map(({ _id }) => _id),
      ["three", "two", "one"],
    );
    const groups = await items()
      .aggregate([{ $group: { _id: "$s", n: { $sum: 1 } } }, { $sort: { n: 1 } }])
      .toArray();
    assert.deepEqual(
      groups.map(({ n }) => n),
      [1, 2],
    );
  });

  it("applies it to writes by _id and by other fields", async () => {
    assert.equal((await items().updateOne({ _id: "TWO" }, { $set: { n: 1 } })).modifiedCount, 1);
    assert.equal((await items().updateMany({ s: "B" }, { $inc: { n: 1 } })).modifiedCount, 1);
    assert.equal((await items().findOneAndUpdate({ _id: "TWO" }, { $inc: { n: 1 } }))!.n, 1);
    assert.equal((await items().replaceOne({ _id: "Three" }, { s: "c" })).modifiedCount, 1);
    assert.equal((await items().deleteOne({ _id: "THREE" })).deletedCount, 1);
    assert.equal(await items().countDocuments(), 2);
  });

  it("belongs to a view, and no query overrides it", async () => {
    await mongo.db.createCollection("shown", { viewOn: "items", pipeline: [], collation: caseless });
    const view = mongo.db.collection("shown");
    assert.equal(await view.countDocuments({ s: "a" }), 1);
    await assert.rejects(view.find({}, { collation: { locale: "fr" } }).toArray(), { code: 167 });
    await mongo.db.createCollection("bytes", { viewOn: "items", pipeline: [] });
    assert.equal(await mongo.db.collection("bytes").countDocuments({ s: "a" }), 0);
  });
});

describe("a collation in expressions that compare lists", () => {
  const mongo = mongoForTests();
  const numeric = { locale: "en", numericOrdering: true } as const;
  const a = ["a", "B", "A", "b", "c"];
  const evaluated = async (expression: unknown, collation: CollationOptions = caseless) => {
    const stages = [{ $documents: [{ a, n: ["10", "9", "100"] }] }, { $project: { value: expression } }];
    return (await mongo.db.aggregate(stages, { collation }).toArray())[0]!.value;
  };

  it("orders what they compare", async () => {
    assert.equal(await evaluated({ $max: "$n" }, numeric), "100");
    assert.equal(await evaluated({ $min: "$n" }, numeric), "9");
    assert.deepEqual(await evaluated({ $maxN: { input: "$n", n: 2 } }, numeric), ["100", "10"]);
    assert.deepEqual(await evaluated({ $minN: { input: "$n", n: 2 } }, numeric), ["9", "10"]);
    assert.deepEqual(await evaluated({ $sortArray: { input: "$n", sortBy: 1 } }, numeric), [
      "9",
      "10",
      "100",
    ]);
    const documents = { $map: { input: "$n", in: { n: "$$this" } } };
    assert.deepEqual(await evaluated({ $sortArray: { input: documents, sortBy: { n: -1 } } }, numeric), [
      { n: "100" },
      { n: "10" },
      { n: "9" },
    ]);
  });

  it("decides what is equal", async () => {
    assert.equal(await evaluated({ $indexOfArray: ["$a", "b"] }), 1);
    assert.deepEqual(await evaluated({ $setUnion: ["$a", ["C"]] }), ["a", "B", "c"]);
    assert.deepEqual(await evaluated({ $setIntersection: ["$a", ["C", "B"]] }), ["B", "c"]);
    assert.deepEqual(await evaluated({ $setDifference: ["$a", ["C", "A"]] }), ["B"]);
    assert.equal(await evaluated({ $setEquals: ["$a", ["A", "b", "C"]] }), true);
    assert.equal(await evaluated({ $setIsSubset: [["C"], "$a"] }), true);
  });

  it("finds the bucket, and the set of a group", async () => {
    const values = mongo.db.collection("values");
    await values.insertMany(["1", "5", "10", "12", "20"].map((s) => ({ s, t: "x" })));
    await values.insertOne({ s: "20", t: "X" });
    const found = await values
      .aggregate([{ $bucket: { groupBy: "$s", boundaries: ["1", "10", "30"] } }], { collation: numeric })
      .toArray();
    assert.deepEqual(found, [
      { _id: "1", count: 2 },
      { _id: "10", count: 4 },
    ]);
    const stages = [{ $group: { _id: null, t: { $addToSet: "$t" } } }];
    assert.deepEqual(await values.aggregate(stages, { collation: caseless }).toArray(), [
      { _id: null, t: ["x"] },
    ]);
  });
});

describe("collations in a directory", () => {
  const directory = directoryForTests();
  const opened = async (work: (client: MongoClient) => Promise<void>) => {
    const server = await startEmbeddedMongo({ dir: directory.path });
    const client = await new MongoClient(server.url).connect();
    try {
      await work(client);
    } finally {
      await client.close();
      await server.close();
    }
  };

  it("hold after a restart", async () => {
    await opened(async (client) => {
      const things = await client.db("d").createCollection("things", { collation: caseless });
      await things.insertOne({ _id: "x" as never, s: "One" });
      await things.createIndex({ s: 1 }, { unique: true });
    });
    await opened(async (client) => {
      const things = client.db("d").collection("things");
      assert.equal(await things.countDocuments({ s: "ONE" }), 1);
      await assert.rejects(things.insertOne({ s: "oNE" }), { code: 11000 });
      await assert.rejects(things.insertOne({ _id: "X" as never }), { code: 11000 });
    });
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Document } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

const values = [null, 1, 2, "a", "b", true, { x: 1 }, { x: 2 }, [], [1], [1, 2], [[1, 2]], ["a", null]];

/** Documents with every value, without the field, and with the field inside an array. */
const someOfEach = (name: string): Document[] => [
  ...values.map((value) => ({ [name]: value })),
  ...values.map((value) => ({ in: { [name]: value } })),
  { in: [{ [name]: 1 }, {}] },
  { in: [{ [name]: 2 }, { [name]: "a" }] },
  { in: 5 },
  {},
];

const FOREIGN = ["plain", "indexed"];

describe("a join through an index", () => {
  const mongo = mongoForTests();
  const accesses = async (collection: string, index: string): Promise<number> => {
    const stats = await mongo.db
      .collection(collection)
      .aggregate([{ $indexStats: {} }])
      .toArray();
    return Number(stats.find(({ name }) => name === index)!.accesses.ops);
  };
  const accessesDuring = async (stages: Document[], index = "f_1", local = "local"): Promise<number> => {
    const earlier = await accesses("indexed", index);
    await mongo.db.collection(local).aggregate(stages).toArray();
    return (await accesses("indexed", index)) - earlier;
  };
  const joined = (from: string, lookup: Document): Promise<Document[]> =>
    mongo.db
      .collection("local")
      .aggregate([{ $lookup: { from, as: "joined", ...lookup } }, { $sort: { _id: 1 } }])
      .toArray();
  const givesTheSame = async (lookup: Document) => {
    const [plain, indexed] = await Promise.all(FOREIGN.map((from) => joined(from, lookup)));
    assert.deepEqual(indexed, plain, JSON.stringify(lookup));
    assert.ok(plain!.some(({ joined }) => joined.length > 0));
  };

  before(async () => {
    const foreign = [...someOfEach("f"), ...someOfEach("f")].map((doc, n) => ({
      _id: n as never,
      n,
      ...doc,
    }));
    // With enough other documents, every search by an index is cheaper than a scan.
    const others = Array.from({ length: 500 }, (_, n) => ({
      _id: (1000 + n) as never,
      f: `x${n}`,
      in: { f: n + 10 },
    }));
    for (const name of FOREIGN) await mongo.db.collection(name).insertMany([...foreign, ...others]);
    await mongo.db.collection("indexed").createIndexes([{ key: { f: 1 } }, { key: { "in.f": 1 } }]);
    await mongo.db
      .collection("local")
      .insertMany(someOfEach("l").map((doc, n) => ({ _id: n as never, ...doc })));
    await mongo.db.collection("one").insertOne({ l: 2, ids: [3, 5], text: "a" });
  });

  it("finds what a scan finds, for values of every kind", async () => {
    for (const localField of ["l", "in.l"]) {
      for (const foreignField of ["f", "in.f"]) await givesTheSame({ localField, foreignField });
    }
    await givesTheSame({ localField: "l", foreignField: "f", pipeline: [{ $project: { n: 1 } }] });
    for (const variable of ["$l", "$in.l"]) {
      for (const field of ["$f", "$in.f"]) {
        const $expr = { $eq: [field, "$$v"] };
        await givesTheSame({ let: { v: variable }, pipeline: [{ $match: { $expr } }] });
        const $and = [{ $eq: ["$$v", field] }, { $gt: ["$n", 5] }];
        await givesTheSame({ let: { v: variable }, pipeline: [{ $match: { $expr: { $and } } }] });
      }
    }
    await givesTheSame({
      pipeline: [{ $match: { f: { $in: [1, "a"] } } }, { $sort: { n: -1 } }, { $limit: 3 }],
    });
  });

  it("uses indexes on fields, on _id, and on a field that equals a variable", async () => {
    const fields = { $lookup: { from: "indexed", localField: "l", foreignField: "f", as: "joined" } };
    assert.equal(await accessesDuring([fields], "f_1", "one"), 1);
    const ids = { $lookup: { from: "indexed", localField: "ids", foreignField: "_id", as: "joined" } };
    assert.equal(await accessesDuring([ids], "_id_", "one"), 1);
    const pipeline = [{ $match: { $expr: { $eq: ["$f", "$$v"] } } }];
    const variable = { $lookup: { from: "indexed", let: { v: "$l" }, pipeline, as: "joined" } };
    assert.equal(await accessesDuring([variable], "f_1", "one"), 1);
    const constant = { $lookup: { from: "indexed", pipeline: [{ $match: { f: 2 } }], as: "joined" } };
    assert.equal(await accessesDuring([constant], "f_1", "one"), 1);
  });

  it("uses them for $graphLookup, and in a transaction that sees its own documents", async () => {
    const graph = {
      from: "indexed",
      startWith: "$l",
      connectFromField: "none",
      connectToField: "f",
      as: "joined",
    };
    assert.equal(await accessesDuring([{ $graphLookup: graph }], "f_1", "one"), 1);
    const session = mongo.client.startSession();
    try {
      session.startTransaction();
      await mongo.db.collection("indexed").insertOne({ _id: 5000 as never, f: "own" }, { session });
      const pipeline = [{ $match: { $expr: { $eq: ["$f", "own"] } } }];
      const [found] = await mongo.db
        .collection("one")
        .aggregate([{ $lookup: { from: "indexed", pipeline, as: "joined" } }], { session })
        .toArray();
      assert.deepEqual(found!.joined, [{ _id: 5000, f: "own" }]);
    } finally {
      await session.abortTransaction();
      await session.endSession();
    }
  });

  it("reads the collection once if many rows are joined", async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => ({ l: `x${n % 500}` }));
    await mongo.db.collection("many").insertMany(rows);
    const stages = [{ $lookup: { from: "indexed", localField: "l", foreignField: "f", as: "joined" } }];
    assert.ok((await accessesDuring(stages, "f_1", "many")) < 500);
    const all = await mongo.db.collection("many").aggregate(stages).toArray();
    assert.ok(all.every(({ l, joined }) => joined.length === 1 && joined[0].f === l));
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Document } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

describe("explain", () => {
  const mongo = mongoForTests();
  const items = () => mongo.db.collection("items");
  const planOf = async (filter: Document, options: Document = {}): Promise<Document> =>
    (await items().find(filter, options).explain("queryPlanner")).queryPlanner.winningPlan;
  const boundsOf = async (filter: Document, options: Document = {}): Promise<Document> => {
    const plan = await planOf(filter, options);
    return (plan.inputStage.inputStage ?? plan.inputStage).indexBounds;
  };

  before(async () => {
    const docs = Array.from({ length: 200 }, (_, n) => ({
      _id: n as never,
      a: n,
      b: n % 7,
      s: `s${n}`,
      t: [n, -n],
    }));
    await items().insertMany(docs);
    await items().createIndexes([{ key: { a: 1, b: -1 } }, { key: { s: -1 } }, { key: { t: 1 } }]);
  });

  it("shows the bounds of each field of the index, in the direction of the scan", async () => {
    assert.deepEqual(await boundsOf({ a: 5 }), { a: ["[5, 5]"], b: ["[MaxKey, MinKey]"] });
    assert.deepEqual(await boundsOf({ a: { $in: [9, 3] }, b: 2 }), {
      a: ["[3, 3]", "[9, 9]"],
      b: ["[2, 2]"],
    });
    assert.deepEqual(await boundsOf({ a: 5, b: { $gt: 1, $lte: 3 } }), { a: ["[5, 5]"], b: ["[3, 1)"] });
    assert.deepEqual(await boundsOf({ a: { $lt: 3 } }), { a: ["[-inf.0, 3)"], b: ["[MaxKey, MinKey]"] });
    assert.deepEqual(await boundsOf({ s: { $gte: "s2", $lt: "s3" } }), { s: ['("s3", "s2"]'] });
    assert.deepEqual(await boundsOf({ t: { $gt: 190, $lt: 195 } }), { t: ["(190, inf.0]"] });
    assert.deepEqual(await boundsOf({ a: { $gt: 190 } }, { sort: { a: -1 } }), {
      a: ["[inf.0, 190)"],
      b: ["[MinKey, MaxKey]"],
    });
  });

  it("shows each branch of $or, and a query by _id", async () => {
    const plan = await planOf({ $or: [{ a: 5 }, { s: "s7" }] });
    const bounds = plan.inputStage.inputStages.map(({ indexBounds }: Document) => indexBounds);
    assert.deepEqual(bounds, [{ a: ["[5, 5]"], b: ["[MaxKey, MinKey]"] }, { s: ['["s7", "s7"]'] }]);
    assert.equal((await planOf({ _id: 5 })).stage, "IDHACK");
    assert.equal((await planOf({ _id: { $gt: 195 } })).inputStage.stage, "IXSCAN");
  });

  it("shows a $sort of a pipeline that the index serves, or not", async () => {
    const planned = async (stages: Document[]) => items().aggregate(stages).explain("queryPlanner");
    const served = await planned([{ $sort: { a: 1 } }]);
    assert.equal(served.queryPlanner.winningPlan.inputStage.indexName, "a_1_b_-1");
    const sorted = await planned([
      { $match: { a: { $gt: 190 } } },
      { $sort: { n: 1 } },
      { $project: { n: 1 } },
    ]);
    assert.equal(sorted.stages.length, 2);
    assert.equal(sorted.stages[0].$cursor.queryPlanner.winningPlan.stage, "SORT");
    assert.deepEqual(sorted.stages[1], { $project: { n: 1 } });
  });

  it("shows a $group after the query, and the stages that follow", async () => {
    const group = { $group: { _id: "$b", n: { $sum: 1 } } };
    const grouped = await items()
      .aggregate([{ $match: { a: 5 } }, group])
      .explain("queryPlanner");
    const { queryPlan } = grouped.queryPlanner.winningPlan;
    assert.deepEqual([queryPlan.stage, queryPlan.inputStage.inputStage.stage], ["GROUP", "IXSCAN"]);
    const longer = await items()
      .aggregate([group, { $sort: { n: 1 } }])
      .explain("executionStats");
    assert.equal(longer.stages[0].$cursor.queryPlanner.winningPlan.queryPlan.stage, "GROUP");
    assert.equal(longer.stages[0].$cursor.executionStats.nReturned, 200);
    assert.deepEqual(longer.stages[1], { $sort: { n: 1 } });
  });

  it("follows a view to its collection", async () => {
    await mongo.db.createCollection("shown", { viewOn: "items", pipeline: [{ $match: { a: 5 } }] });
    const explained = await mongo.db.collection("shown").aggregate([]).explain("queryPlanner");
    assert.equal(explained.queryPlanner.winningPlan.inputStage.indexName, "a_1_b_-1");
  });
});

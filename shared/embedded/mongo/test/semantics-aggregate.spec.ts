import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { pipelineCases, pipelineCollections } from "../aggregate/pipeline-cases.fixture.ts";
import { expressionCases, expressionDocument, MISSING } from "../expression/expression-cases.fixture.ts";
import { canonical, EXACT } from "./canonical.fixture.ts";
import { mongoForTests } from "./mongo.fixture.ts";

/** `$group` and the stages based on it return documents in no defined order. */
const isUnordered = (stages: readonly Document[]): boolean => stages.some((stage) => "$group" in stage);

describe("aggregation", () => {
  const mongo = mongoForTests();
  const sorted = (lines: string[], stages: readonly Document[]) =>
    isUnordered(stages) ? lines.sort() : lines;

  before(async () => {
    for (const [name, docs] of Object.entries(pipelineCollections))
      await mongo.db.collection(name).insertMany([...docs]);
  });

  it("expressions give their values in their types", async () => {
    const items = mongo.db.collection("expressions");
    await items.insertOne({ ...expressionDocument } as Document);
    for (const [expression, expected] of expressionCases) {
      // The server's clock differs from the test's.
      if (expression === "$$NOW") continue;
      const [found] = await items
        .aggregate([{ $replaceWith: { value: expression } }], { ...EXACT, let: { v: 10 } })
        .toArray();
      const wanted = expected === MISSING ? {} : { value: expected };
      assert.equal(canonical(found!), canonical(wanted), BSON.EJSON.stringify(expression as Document));
    }
  });

  it("pipelines give their results", async () => {
    for (const [stages, expected] of pipelineCases) {
      const isSourceless = stages[0] !== undefined && "$documents" in stages[0];
      const target = isSourceless ? mongo.db : mongo.db.collection("items");
      const found = await target.aggregate([...stages], EXACT).toArray();
      assert.deepEqual(
        sorted(found.map(canonical), stages),
        sorted(expected.map(canonical), stages),
        BSON.EJSON.stringify(stages),
      );
    }
  });

  it("$out replaces a collection, $merge combines with it", async () => {
    const items = mongo.db.collection("items");
    const copy = mongo.db.collection<Document>("copy");
    await copy.insertOne({ _id: "stale" as never });
    await items.aggregate([{ $project: { n: 1 } }, { $out: "copy" }]).toArray();
    assert.equal(await copy.countDocuments(), 3);
    await items
      .aggregate([{ $match: { _id: { $gt: 1 } } }, { $project: { k: 1 } }, { $merge: "copy" }])
      .toArray();
    assert.equal(
      canonical((await copy.findOne({ _id: 2 as never }, EXACT))!),
      canonical({ _id: 2, n: 2.5, k: "b" }),
    );
    await items
      .aggregate([
        { $project: { _id: { $add: ["$_id", 10] } } },
        { $merge: { into: "copy", whenNotMatched: "discard" } },
      ])
      .toArray();
    assert.equal(await copy.countDocuments(), 3);
    const failing = items
      .aggregate([{ $project: { n: 1 } }, { $merge: { into: "copy", whenMatched: "fail" } }])
      .toArray();
    await assert.rejects(failing, { code: 11000 });
  });

  it("let variables and $$ROOT are seen by a pipeline", async () => {
    const items = mongo.db.collection("items");
    const stages = [
      { $match: { $expr: { $eq: ["$_id", "$$id"] } } },
      { $project: { _id: 0, x: "$$id", n: "$$ROOT.n" } },
    ];
    assert.deepEqual(await items.aggregate(stages, { let: { id: 2 } }).toArray(), [{ x: 2, n: 2.5 }]);
  });

  it("a long result streams in batches", async () => {
    const stages = [
      { $match: { _id: 1 } },
      { $project: { i: { $range: [0, 30_000] } } },
      { $unwind: "$i" },
      { $project: { _id: 0 } },
    ];
    let sum = 0;
    for await (const doc of mongo.db
      .collection("items")
      .aggregate<{ i: number }>(stages, { batchSize: 1_000 }))
      sum += doc.i;
    assert.equal(sum, (29_999 * 30_000) / 2);
  });

  it("errors have the server's codes", async () => {
    const items = mongo.db.collection("items");
    const refused: readonly (readonly [Document[], number])[] = [
      [[{ $match: {}, $limit: 1 }], 40323],
      [[{ $limit: 0 }], 15958],
      [[{ $group: { a: 1 } }], 15955],
      [[{ $group: { _id: 1, a: { $bogus: 1 } } }], 15952],
      [[{ $project: { a: "$$bogus" } }], 17276],
      [[{ $unwind: "t" }], 28818],
      [[{ $out: "x" }, { $limit: 1 }], 40601],
      [[{ $project: { a: { $toInt: "x" } } }], 241],
    ];
    for (const [stages, code] of refused) {
      await assert.rejects(items.aggregate(stages).toArray(), { code }, JSON.stringify(stages));
    }
  });
});

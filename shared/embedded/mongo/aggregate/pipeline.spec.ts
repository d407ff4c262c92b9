import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { canonical, docOf } from "../bson/official.fixture.ts";
import type { BsonDocument } from "../bson/values.ts";
import { Scope } from "../expression/scope.ts";
import type { Pace } from "../pacing/pace.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { compilePipeline, pushDown } from "./pipeline.ts";
import { pipelineCases, pipelineCollections } from "./pipeline-cases.fixture.ts";

const unhurried: Pace = { isOver: () => false, pause: async () => {} };

const environment = (extra: Partial<PipelineEnvironment> = {}): PipelineEnvironment => ({
  namespace: { db: "test", collection: "items" },
  scope: new Scope(),
  pace: unhurried,
  readCollection: (name) => (pipelineCollections[name] ?? []).map(docOf),
  ...extra,
});

async function results(
  stages: readonly Document[],
  extra: Partial<PipelineEnvironment> = {},
): Promise<string[]> {
  const shown: string[] = [];
  for await (const doc of compilePipeline(stages.map(docOf), environment(extra)).run(
    pipelineCollections.items!.map(docOf),
  ))
    shown.push(canonical(doc));
  return shown;
}

test("pipelines return the same results as the server", async () => {
  for (const [stages, expected] of pipelineCases) {
    assert.deepEqual(
      await results(stages),
      expected.map((doc) => canonical(docOf(doc))),
      BSON.EJSON.stringify(stages),
    );
  }
});

test("an invalid pipeline fails when it is compiled", () => {
  const faults: readonly (readonly [readonly Document[], number])[] = [
    [[{ $bogus: 1 }], 40324],
    [[{}], 40323],
    [[{ $match: {}, $limit: 1 }], 40323],
    [[{ $match: 1 }], 15959],
    [[{ $limit: 0 }], 15958],
    [[{ $limit: -1 }], 15958],
    [[{ $sort: {} }], 15976],
    [[{ $group: { a: 1 } }], 15955],
    [[{ $group: { _id: 1, a: { $bogus: 1 } } }], 15952],
    [[{ $group: { _id: 1, a: 1 } }], 40234],
    [[{ $project: {} }], 51272],
    [[{ $project: { a: { $bogus: 1 } } }], 168],
    [[{ $unwind: "t" }], 28818],
    [[{ $facet: { a: [{ $facet: { b: [] } }] } }], 40600],
    [[{ $out: "x" }, { $limit: 1 }], 40601],
    [[{ $limit: 1 }, { $documents: [] }], 40602],
    [[{ $setWindowFields: {} }], 115],
    [[{ $changeStream: {} }], 115],
    [[{ $lookup: { from: "x", as: "y" } }], 9],
  ];
  for (const [stages, code] of faults) {
    assert.throws(() => compilePipeline(stages.map(docOf), environment()), { code }, JSON.stringify(stages));
  }
});

test("$out and $merge pass their documents to the writer", async () => {
  const stored = new Map<unknown, BsonDocument>([["x", docOf({ _id: "x", n: 1, old: true })]]);
  const written: string[] = [];
  const writer: PipelineEnvironment["writer"] = {
    replaceAll: async ({ collection }, docs) => {
      written.push(`${collection}: ${docs.length}`);
    },
    requireUnique: () => {},
    mergeOne: async (_target, key, decide) => {
      written.push(
        JSON.stringify(decide(stored.get(key.get("_id"))), (_, value) =>
          value instanceof Map ? Object.fromEntries(value) : value,
        ),
      );
    },
  };
  assert.deepEqual(await results([{ $out: "copy" }], { writer }), []);
  await results([{ $limit: 1 }, { $project: { _id: "x", n: { $literal: 2 } } }, { $merge: "copy" }], {
    writer,
  });
  await results(
    [{ $limit: 1 }, { $project: { n: 1 } }, { $merge: { into: "copy", whenNotMatched: "discard" } }],
    { writer },
  );
  await results(
    [
      { $limit: 1 },
      { $project: { _id: "x", n: 1 } },
      { $merge: { into: "copy", whenMatched: [{ $set: { n: { $add: ["$n", "$$new.n"] } } }] } },
    ],
    { writer },
  );
  assert.deepEqual(written, [
    "copy: 3",
    '{"action":"replace","doc":{"_id":"x","n":2,"old":true}}',
    '{"action":"none"}',
    '{"action":"replace","doc":{"_id":"x","n":2,"old":true}}',
  ]);
  const merging = results(
    [{ $limit: 1 }, { $project: { _id: "x" } }, { $merge: { into: "copy", whenMatched: "fail" } }],
    { writer },
  );
  await assert.rejects(merging, { code: 11000 });
});

test("the leading $match and $sort can be left to a query", () => {
  const stages = [{ $match: { a: 1 } }, { $sort: { b: 1 } }, { $limit: 1 }].map(docOf);
  const { filter, sort, rest } = pushDown(stages);
  assert.deepEqual([filter.get("a"), sort?.get("b"), rest.length], [1, 1, 1]);
  assert.equal(pushDown([docOf({ $limit: 1 })]).rest.length, 1);
});

test("sorting and grouping many documents pauses instead of blocking the event loop", async () => {
  let sliceStart = performance.now();
  let pauses = 0;
  const pace: Pace = {
    isOver: () => performance.now() - sliceStart > 5,
    pause: async () => {
      pauses++;
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceStart = performance.now();
    },
  };
  function* source(): Generator<BsonDocument> {
    for (let i = 0; i < 60_000; i++)
      yield new Map([
        ["_id", i],
        ["n", (i * 7919) % 1000],
      ]);
  }
  const stages = [
    { $sort: { n: -1, _id: 1 } },
    { $group: { _id: "$n", c: { $sum: 1 } } },
    { $count: "groups" },
  ].map(docOf);
  const shown: string[] = [];
  for await (const doc of compilePipeline(stages, environment({ pace })).run(source()))
    shown.push(canonical(doc));
  assert.deepEqual(shown, [canonical(docOf({ groups: 1000 }))]);
  assert.ok(pauses > 5, `${pauses} pauses`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { canonical, docOf } from "../bson/official.fixture.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Pace, PipelineEnvironment } from "./environment.ts";
import { compilePipeline, pushDown, runPipeline } from "./pipeline.ts";
import { Scope } from "./scope.ts";

const { Double, Long } = BSON;

const collections: Readonly<Record<string, readonly Document[]>> = {
  items: [
    { _id: 1, k: "a", n: 1, t: [1, 2] },
    { _id: 2, k: "b", n: 2.5, t: [] },
    { _id: 3, k: "a", n: Long.fromNumber(3) },
  ],
  names: [
    { _id: "a", name: "Anna", boss: null },
    { _id: "b", name: "Bert", boss: "a" },
    { _id: "c", name: "Cleo", boss: "b" },
  ],
};

const unhurried: Pace = { isOver: () => false, pause: async () => {} };

const environment = (extra: Partial<PipelineEnvironment> = {}): PipelineEnvironment => ({
  namespace: { db: "test", collection: "items" },
  scope: new Scope(),
  pace: unhurried,
  readCollection: (name) => (collections[name] ?? []).map(docOf),
  ...extra,
});

async function results(
  stages: readonly Document[],
  extra: Partial<PipelineEnvironment> = {},
): Promise<string[]> {
  const shown: string[] = [];
  for await (const doc of runPipeline(stages.map(docOf), collections.items!.map(docOf), environment(extra)))
    shown.push(canonical(doc));
  return shown;
}

const cases: readonly (readonly [readonly Document[], readonly Document[]])[] = [
  [
    [{ $match: { k: "a" } }, { $project: { n: 1 } }],
    [
      { _id: 1, n: 1 },
      { _id: 3, n: Long.fromNumber(3) },
    ],
  ],
  [[{ $sort: { n: -1 } }, { $skip: 1 }, { $limit: 1 }, { $unset: ["t", "k"] }], [{ _id: 2, n: 2.5 }]],
  [
    [{ $sort: { n: -1 } }, { $limit: 2 }, { $project: { _id: 1 } }],
    [{ _id: 3 }, { _id: 2 }],
  ],
  [
    [
      {
        $group: { _id: "$k", s: { $sum: "$n" }, a: { $avg: "$n" }, p: { $push: "$_id" }, c: { $count: {} } },
      },
    ],
    [
      { _id: "a", s: Long.fromNumber(4), a: new Double(2), p: [1, 3], c: 2 },
      { _id: "b", s: 2.5, a: 2.5, p: [2], c: 1 },
    ],
  ],
  [
    [{ $group: { _id: { k: "$k", x: "$nothing" }, m: { $max: "$n" } } }, { $match: { "_id.k": "b" } }],
    [{ _id: { k: "b" }, m: 2.5 }],
  ],
  [
    [
      {
        $group: { _id: "$nothing", first: { $first: "$n" }, last: { $last: "$t" }, set: { $addToSet: "$k" } },
      },
    ],
    [{ _id: null, first: 1, last: null, set: ["a", "b"] }],
  ],
  [
    [
      {
        $group: {
          _id: null,
          top: { $topN: { n: 2, sortBy: { n: -1 }, output: "$_id" } },
          bottom: { $bottom: { sortBy: { n: -1 }, output: "$_id" } },
        },
      },
    ],
    [{ _id: null, top: [3, 2], bottom: 1 }],
  ],
  [
    [{ $group: { _id: null, sd: { $stdDevPop: "$_id" }, last: { $lastN: { input: "$_id", n: 2 } } } }],
    [{ _id: null, sd: 0.816496580927726, last: [2, 3] }],
  ],
  [[{ $match: { _id: 9 } }, { $group: { _id: null, n: { $sum: 1 } } }], []],
  [[{ $match: { _id: 9 } }, { $count: "n" }], []],
  [[{ $count: "n" }], [{ n: 3 }]],
  [
    [{ $sortByCount: "$k" }],
    [
      { _id: "a", count: 2 },
      { _id: "b", count: 1 },
    ],
  ],
  [
    [{ $unwind: "$t" }, { $project: { t: 1 } }],
    [
      { _id: 1, t: 1 },
      { _id: 1, t: 2 },
    ],
  ],
  [
    [
      { $unwind: { path: "$t", includeArrayIndex: "i", preserveNullAndEmptyArrays: true } },
      { $project: { t: 1, i: 1 } },
    ],
    [
      { _id: 1, t: 1, i: Long.ZERO },
      { _id: 1, t: 2, i: Long.ONE },
      { _id: 2, i: null },
      { _id: 3, i: null },
    ],
  ],
  [
    [
      { $lookup: { from: "names", localField: "k", foreignField: "_id", as: "who" } },
      { $project: { "who.name": 1 } },
    ],
    [
      { _id: 1, who: [{ name: "Anna" }] },
      { _id: 2, who: [{ name: "Bert" }] },
      { _id: 3, who: [{ name: "Anna" }] },
    ],
  ],
  [
    [
      { $match: { _id: 2 } },
      {
        $lookup: {
          from: "names",
          let: { key: "$k" },
          pipeline: [
            { $match: { $expr: { $gte: ["$_id", "$$key"] } } },
            { $project: { name: 1, key: "$$key" } },
          ],
          as: "who",
        },
      },
      { $project: { who: 1 } },
    ],
    [
      {
        _id: 2,
        who: [
          { _id: "b", name: "Bert", key: "b" },
          { _id: "c", name: "Cleo", key: "b" },
        ],
      },
    ],
  ],
  [
    [
      { $match: { _id: 1 } },
      { $lookup: { from: "names", localField: "nothing", foreignField: "boss", as: "who" } },
      { $project: { "who._id": 1 } },
    ],
    [{ _id: 1, who: [{ _id: "a" }] }],
  ],
  [
    [
      { $match: { _id: 1 } },
      {
        $graphLookup: {
          from: "names",
          startWith: "c",
          connectFromField: "boss",
          connectToField: "_id",
          as: "line",
          depthField: "d",
        },
      },
      { $project: { "line._id": 1, "line.d": 1 } },
    ],
    [
      {
        _id: 1,
        line: [
          { _id: "c", d: Long.ZERO },
          { _id: "b", d: Long.ONE },
          { _id: "a", d: Long.fromNumber(2) },
        ],
      },
    ],
  ],
  [
    [
      {
        $facet: {
          n: [{ $count: "n" }],
          top: [{ $sort: { _id: -1 } }, { $limit: 1 }, { $project: { _id: 1 } }],
        },
      },
    ],
    [{ n: [{ n: 3 }], top: [{ _id: 3 }] }],
  ],
  [
    [
      {
        $bucket: {
          groupBy: "$n",
          boundaries: [0, 2, 3],
          default: "more",
          output: { ids: { $push: "$_id" } },
        },
      },
    ],
    [
      { _id: 0, ids: [1] },
      { _id: 2, ids: [2] },
      { _id: "more", ids: [3] },
    ],
  ],
  [[{ $unionWith: { coll: "names", pipeline: [{ $match: { _id: "a" } }] } }, { $count: "n" }], [{ n: 4 }]],
  [
    [{ $addFields: { "t.x": 1, n: "$$REMOVE" } }, { $limit: 1 }],
    [{ _id: 1, k: "a", t: [{ x: 1 }, { x: 1 }] }],
  ],
  [[{ $replaceRoot: { newRoot: { id: "$_id" } } }, { $limit: 1 }], [{ id: 1 }]],
  [[{ $documents: [{ a: 1 }, { a: 2 }] }, { $match: { a: 2 } }], [{ a: 2 }]],
  [
    [{ $redact: { $cond: [{ $eq: ["$k", "b"] }, "$$PRUNE", "$$DESCEND"] } }, { $project: { _id: 1 } }],
    [{ _id: 1 }, { _id: 3 }],
  ],
  [[{ $sample: { size: 2 } }, { $count: "n" }], [{ n: 2 }]],
];

test("pipelines give what the server gives", async () => {
  for (const [stages, expected] of cases) {
    assert.deepEqual(
      await results(stages),
      expected.map((doc) => canonical(docOf(doc))),
      BSON.EJSON.stringify(stages),
    );
  }
});

test("what is wrong in a pipeline is reported when it is compiled", () => {
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

test("$out and $merge hand their documents to the writer", async () => {
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

test("sorting and grouping many documents pauses instead of holding the event loop", async () => {
  let sliceStart = performance.now();
  let longest = 0;
  let pauses = 0;
  const pace: Pace = {
    isOver: () => performance.now() - sliceStart > 5,
    pause: async () => {
      longest = Math.max(longest, performance.now() - sliceStart);
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
  for await (const doc of runPipeline(stages, source(), environment({ pace }))) shown.push(canonical(doc));
  assert.deepEqual(shown, [canonical(docOf({ groups: 1000 }))]);
  assert.ok(pauses > 5, `${pauses} pauses`);
  assert.ok(longest < 250, `the longest stretch took ${longest} ms`);
});

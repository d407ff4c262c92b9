import { BSON, type Document } from "mongodb";

const { Double, Long } = BSON;

export const pipelineCollections: Readonly<Record<string, readonly Document[]>> = {
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

/** Pipeline on the items above, and its results. Verified against a real server. */
export const pipelineCases: readonly (readonly [readonly Document[], readonly Document[]])[] = [
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

import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { bsonOf, canonical, docOf } from "../bson/official.fixture.ts";
import { compileMatch, matchedArrayIndex } from "./match.ts";
import { compileUpdate, upsertSeed } from "./update.ts";

const { Decimal128, Double, Long, Timestamp } = BSON;

interface Extra {
  readonly filter?: Document;
  readonly arrayFilters?: readonly Document[];
  readonly isInsert?: boolean;
}

function run(
  update: unknown,
  doc: Document,
  { filter = {}, arrayFilters = [], isInsert = false }: Extra = {},
) {
  const before = docOf(doc);
  const shown = canonical(before);
  const apply = compileUpdate(bsonOf(update), { arrayFilters: arrayFilters.map(docOf) });
  const matchedIndex = matchedArrayIndex(compileMatch(docOf(filter)), before);
  const result = apply(before, { isInsert, matchedIndex });
  assert.equal(canonical(before), shown, "the document itself must stay as it was");
  return result;
}

/** update, document, expected document (null: unchanged), extra */
const cases: readonly (readonly [unknown, Document, Document | null, Extra?])[] = [
  [
    { $set: { b: 1, a: 2, 10: 1, 9: 1 } },
    { _id: 1 },
    new Map<string, number>([
      ["_id", 1],
      ["9", 1],
      ["10", 1],
      ["a", 2],
      ["b", 1],
    ]) as Document,
  ],
  [{ $set: { a: 1 } }, { a: 1 }, null],
  [{ $set: { a: Long.ONE } }, { a: 1 }, { a: Long.ONE }],
  [{ $set: { a: new Double(1) } }, { a: 1 }, { a: new Double(1) }],
  [{ $set: { "a.b.c": 1 } }, { _id: 1 }, { _id: 1, a: { b: { c: 1 } } }],
  [{ $set: { "a.2": 1 } }, { a: [0] }, { a: [0, null, 1] }],
  [{ $set: { "a.0": 1 } }, { _id: 1 }, { _id: 1, a: { 0: 1 } }],
  [{ $unset: { a: "", "b.0": "", "x.y": "" } }, { a: 1, b: [1, 2] }, { b: [null, 2] }],
  [{ $unset: { a: 1 } }, { b: 1 }, null],
  [{ $inc: { a: 1 } }, { a: 2147483647 }, { a: Long.fromNumber(2147483648) }],
  [{ $inc: { a: Long.ONE } }, { a: 1 }, { a: Long.fromNumber(2) }],
  [{ $inc: { a: 1 } }, { a: Long.ONE }, { a: Long.fromNumber(2) }],
  [{ $inc: { a: 0.5 } }, { a: 1 }, { a: 1.5 }],
  [{ $inc: { a: new Double(1) } }, { a: 1 }, { a: new Double(2) }],
  [{ $inc: { a: Decimal128.fromString("0.1") } }, { a: 1 }, { a: Decimal128.fromString("1.1") }],
  [{ $inc: { a: 5 } }, {}, { a: 5 }],
  [{ $mul: { a: 3, b: Long.fromNumber(2) } }, { a: 2 }, { a: 6, b: Long.ZERO }],
  [{ $mul: { a: 2 } }, { a: 2147483647 }, { a: Long.fromNumber(4294967294) }],
  [{ $min: { a: 1 } }, { a: 2 }, { a: 1 }],
  [{ $min: { a: "x" } }, { a: 2 }, null],
  [{ $max: { a: "x", b: 1 } }, { a: 2 }, { a: "x", b: 1 }],
  [{ $rename: { a: "b" } }, { a: 1, c: 2, b: 3 }, { c: 2, b: 1 }],
  [{ $rename: { a: "b.c" } }, { a: 1 }, { b: { c: 1 } }],
  [{ $rename: { x: "y" } }, { a: 1 }, null],
  [{ $setOnInsert: { a: 1 } }, { b: 1 }, null],
  [{ $setOnInsert: { a: 1 } }, { b: 1 }, { b: 1, a: 1 }, { isInsert: true }],
  [{ $push: { a: 1 } }, {}, { a: [1] }],
  [{ $push: { a: [1, 2] } }, { a: [0] }, { a: [0, [1, 2]] }],
  [{ $push: { a: { $each: [5, 1], $sort: -1, $slice: 2 } } }, { a: [3] }, { a: [5, 3] }],
  [
    { $push: { a: { $each: [{ x: 1 }], $sort: { x: 1 }, $slice: -2 } } },
    { a: [{ x: 3 }, { x: 2 }] },
    { a: [{ x: 2 }, { x: 3 }] },
  ],
  [{ $push: { a: { $each: [9], $position: 1 } } }, { a: [1, 2] }, { a: [1, 9, 2] }],
  [{ $push: { a: { $each: [9], $position: -1 } } }, { a: [1, 2] }, { a: [1, 9, 2] }],
  [{ $push: { a: { $each: [] } } }, { a: [1] }, null],
  [{ $addToSet: { a: { $each: [1, Long.ONE, 2, 2] } } }, { a: [new Double(1)] }, { a: [new Double(1), 2] }],
  [
    { $addToSet: { a: { x: 1, y: 2 } } },
    { a: [{ y: 2, x: 1 }] },
    {
      a: [
        { y: 2, x: 1 },
        { x: 1, y: 2 },
      ],
    },
  ],
  [{ $pop: { a: 1, b: -1 } }, { a: [1, 2], b: [1, 2] }, { a: [1], b: [2] }],
  [{ $pull: { a: 1 } }, { a: [1, Long.ONE, 2, [1]] }, { a: [2, [1]] }],
  [{ $pull: { a: { $gte: 2 } } }, { a: [1, 2, 3] }, { a: [1] }],
  [{ $pull: { a: { x: 1 } } }, { a: [{ x: 1, y: 2 }, { x: 2 }, 1] }, { a: [{ x: 2 }, 1] }],
  [{ $pull: { a: { $in: ["x", /^y/] } } }, { a: ["x", "yy", "z"] }, { a: ["z"] }],
  [{ $pullAll: { a: [1, { x: 1 }] } }, { a: [1, { x: 1 }, 2] }, { a: [2] }],
  [{ $bit: { a: { and: 6, or: 1 } } }, { a: 13 }, { a: 5 }],
  [{ $bit: { a: { xor: Long.fromNumber(1) } } }, { a: 1 }, { a: Long.ZERO }],
  [{ $set: { "a.$": 9 } }, { a: [1, 2, 3] }, { a: [1, 9, 3] }, { filter: { a: 2 } }],
  [
    { $inc: { "a.$.n": 1 } },
    {
      a: [
        { k: 1, n: 1 },
        { k: 2, n: 1 },
      ],
    },
    {
      a: [
        { k: 1, n: 1 },
        { k: 2, n: 2 },
      ],
    },
    { filter: { "a.k": 2 } },
  ],
  [{ $inc: { "a.$[]": 1 } }, { a: [1, 2] }, { a: [2, 3] }],
  [
    { $set: { "a.$[x].b.$[y]": 0 } },
    {
      a: [
        { k: 1, b: [1, 5] },
        { k: 2, b: [5] },
      ],
    },
    {
      a: [
        { k: 1, b: [1, 0] },
        { k: 2, b: [5] },
      ],
    },
    { arrayFilters: [{ "x.k": 1 }, { y: { $gt: 2 } }] },
  ],
  [{ $unset: { "a.$[x]": 1 } }, { a: [1, 2] }, { a: [1, null] }, { arrayFilters: [{ x: 2 }] }],
  [{ a: 2 }, { _id: 7, b: 1 }, { _id: 7, a: 2 }],
  [
    { a: 2, _id: 7 },
    { _id: 7, b: 1 },
    { _id: 7, a: 2 },
  ],
  [{ a: 2 }, { _id: 7, a: 2 }, null],
  [{ "a.b": 2, c: { $d: 1 } }, { _id: 7 }, { _id: 7, "a.b": 2, c: { $d: 1 } }],
  [
    [{ $set: { a: { $add: ["$a", 1] }, b: "$$ROOT.a" } }, { $unset: "c" }],
    { _id: 1, a: 1, c: 1 },
    { _id: 1, a: 2, b: 1 },
  ],
  [
    [{ $replaceWith: { $setField: { field: { $literal: "$x" }, input: "$$ROOT", value: 1 } } }],
    { _id: 1 },
    { _id: 1, $x: 1 },
  ],
  [[{ $project: { a: 1 } }], { _id: 1, a: 1, b: 1 }, { _id: 1, a: 1 }],
  [
    [{ $set: { "a.b": "$x" } }],
    { _id: 1, a: [{ c: 1 }, 5], x: 2 },
    { _id: 1, a: [{ c: 1, b: 2 }, { b: 2 }], x: 2 },
  ],
];

test("updates change documents as MongoDB does, and say whether they did", () => {
  for (const [update, doc, expected, extra] of cases) {
    const result = run(update, doc, extra);
    const label = `${BSON.EJSON.stringify(update)} on ${BSON.EJSON.stringify(doc)}`;
    assert.equal(canonical(result.doc), canonical(docOf(expected ?? doc)), label);
    assert.equal(result.changed, expected !== null, label);
  }
});

test("what an update may not do is named with the server's code", () => {
  const faults: readonly (readonly [unknown, Document, number, Extra?])[] = [
    [{ $set: { "a.b": 1 } }, { a: 1 }, 28],
    [{ $set: { "a.b": 1 } }, { a: [1] }, 28],
    [{ $set: { a: 1, "a.b": 2 } }, {}, 40],
    [{ $set: { a: 1 }, $inc: { a: 1 } }, {}, 40],
    [{ $rename: { a: "b" }, $set: { b: 1 } }, {}, 40],
    [{ $set: { _id: 2 } }, { _id: 1 }, 66],
    [{ $unset: { _id: 1 } }, { _id: 1 }, 66],
    [{ _id: 2, a: 1 }, { _id: 1 }, 66],
    [[{ $set: { _id: 2 } }], { _id: 1 }, 66],
    [{ $inc: { a: "x" } }, {}, 14],
    [{ $inc: { a: 1 } }, { a: "x" }, 14],
    [{ $inc: { a: 1 } }, { a: null }, 14],
    [{ $inc: { a: Long.ONE } }, { a: Long.MAX_VALUE }, 2],
    [{ $mul: { a: "x" } }, {}, 14],
    [{ $push: { a: 1 } }, { a: 1 }, 2],
    [{ $push: { a: { $each: 1 } } }, {}, 2],
    [{ $push: { a: { $each: [], $bogus: 1 } } }, {}, 2],
    [{ $addToSet: { a: 1 } }, { a: 1 }, 2],
    [{ $pop: { a: 2 } }, {}, 9],
    [{ $pop: { a: 1 } }, { a: 1 }, 14],
    [{ $pull: { a: 1 } }, { a: 1 }, 2],
    [{ $pullAll: { a: 1 } }, {}, 2],
    [{ $bit: { a: { and: 1.5 } } }, {}, 2],
    [{ $currentDate: { a: "x" } }, {}, 2],
    [{ $bogus: { a: 1 } }, {}, 9],
    [{ $set: 1 }, {}, 9],
    [{ $set: { a: 1 }, b: 1 }, {}, 9],
    [{ $set: { "": 1 } }, {}, 56],
    [{ $set: { "a..b": 1 } }, {}, 56],
    [{ $set: { "a.$": 1 } }, { a: [1] }, 2],
    [{ $set: { "a.$[x]": 1 } }, { a: [1] }, 2],
    [{ $set: { "a.$[]": 1 } }, {}, 2],
    [{ $set: { a: 1 } }, {}, 9, { arrayFilters: [{ x: 1 }] }],
    [{ $rename: { a: "a" } }, {}, 2],
    [{ $rename: { "a.b": "c" } }, { a: [{ b: 1 }] }, 2],
    [[{ $match: {} }], {}, 72],
    [[{ $bogus: {} }], {}, 40324],
    [[{ $set: { a: { $bogus: 1 } } }], {}, 168],
    [[{ $replaceWith: "$a" }], { a: 1 }, 40228],
  ];
  for (const [update, doc, code, extra] of faults) {
    assert.throws(() => run(update, doc, extra), { code }, BSON.EJSON.stringify(update));
  }
});

test("$currentDate stores the instant of the update", () => {
  const apply = compileUpdate(bsonOf({ $currentDate: { a: true, b: { $type: "timestamp" } } }), {
    now: () => 5_000,
  });
  const { doc } = apply(docOf({}), { isInsert: false });
  const stored = BSON.EJSON.parse(canonical(doc)) as { a: Date; b: InstanceType<typeof Timestamp> };
  assert.equal(stored.a.getTime(), 5_000);
  assert.equal(stored.b.t, 5);
});

test("an upsert begins with what its filter demands by equality", () => {
  const seeds: readonly (readonly [Document, Document])[] = [
    [
      { a: 1, "b.c": { $eq: 2 }, d: { $gt: 1 } },
      { a: 1, b: { c: 2 } },
    ],
    [
      { $and: [{ a: 1 }, { b: { $in: [2] } }], c: { $in: [1, 2] } },
      { a: 1, b: 2 },
    ],
    [{ $or: [{ a: 1 }] }, { a: 1 }],
    [{ $or: [{ a: 1 }, { a: 2 }], b: /x/ }, {}],
    [{ a: { $all: [1] } }, { a: 1 }],
  ];
  for (const [filter, seed] of seeds)
    assert.equal(canonical(upsertSeed(docOf(filter))), canonical(docOf(seed)));
  assert.throws(() => upsertSeed(docOf({ $and: [{ a: 1 }, { a: 2 }] })), { code: 54 });
});

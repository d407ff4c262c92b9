import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { bsonOf, canonical, docOf } from "../bson/official.fixture.ts";
import { compileMatch, matchedArrayIndex } from "../query/match.ts";
import { compileUpdate, upsertSeed } from "./update.ts";
import { type UpdateExtra, updateCases } from "./update-cases.fixture.ts";

const { Long, Timestamp } = BSON;

function run(
  update: unknown,
  doc: Document,
  { filter = {}, arrayFilters = [], isInsert = false }: UpdateExtra = {},
) {
  const before = docOf(doc);
  const shown = canonical(before);
  const apply = compileUpdate(bsonOf(update), { arrayFilters: arrayFilters.map(docOf) });
  const matchedIndex = matchedArrayIndex(compileMatch(docOf(filter)), before);
  const result = apply(before, { isInsert, matchedIndex });
  assert.equal(canonical(before), shown, "the document itself must stay as it was");
  return result;
}

test("updates change documents as MongoDB does, and report whether they changed anything", () => {
  for (const [update, doc, expected, extra] of updateCases) {
    const result = run(update, doc, extra);
    const label = `${BSON.EJSON.stringify(update)} on ${BSON.EJSON.stringify(doc)}`;
    assert.equal(canonical(result.doc), canonical(docOf(expected ?? doc)), label);
    assert.equal(result.changed, expected !== null, label);
  }
});

test("an invalid update fails with the server's code", () => {
  const faults: readonly (readonly [unknown, Document, number, UpdateExtra?])[] = [
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
    [{ $set: { _id: 2 } }, { _id: 1 }, 66, { isInsert: true }],
    [{ $set: { "a.$.b.$": 1 } }, { a: [{ b: [1] }] }, 2, { filter: { "a.b": 1 } }],
    [{ $set: { $: 1 } }, {}, 2],
    [{ $pop: { "a.b.c": 1 } }, { a: { b: 1 } }, 28],
    [{ $pop: { "a.-1": 1 } }, { a: [1] }, 28],
    [{ $pop: { "a.b": 1 } }, { a: null }, 28],
    [{ $pull: { a: { $bogus: 1 } } }, { a: [] }, 2],
    [{ $pull: { a: { $expr: true } } }, { a: [] }, 224],
    [{ a: 1, $b: 1 }, {}, 52],
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

test("an upsert starts with the equality conditions of its filter", () => {
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
  assert.throws(() => upsertSeed(docOf({ _id: { $all: [1, 2] } })), { code: 54 });
  assert.throws(() => upsertSeed(docOf({ a: { $eq: 1, $all: [1] } })), { code: 54 });
});

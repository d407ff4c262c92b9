import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { compileCollation } from "../bson/collation.ts";
import { docOf } from "../bson/official.fixture.ts";
import { compileSort } from "./sort.ts";

const { Decimal128, Double, Long, MaxKey, MinKey } = BSON;

function sorted(spec: Document, docs: readonly Document[], collation?: Document): unknown[] {
  const sorter = compileSort(docOf(spec), collation && compileCollation(docOf(collation)));
  return docs
    .map(docOf)
    .sort((a, b) => sorter.compare(sorter.keyOf(a), sorter.keyOf(b)))
    .map((doc) => doc.get("_id"));
}

test("values of all types sort in one order, missing as null", () => {
  const docs = [
    { _id: 9, a: new MaxKey() },
    { _id: 8, a: true },
    { _id: 7, a: [] as number[] },
    { _id: 6, a: {} },
    { _id: 5, a: "a" },
    { _id: 4, a: Decimal128.fromString("2.5") },
    { _id: 3, a: Long.fromNumber(2) },
    { _id: 2, a: new Double(1) },
    { _id: 1 },
    { _id: 0, a: new MinKey() },
  ];
  // An empty array sorts as undefined: below null.
  assert.deepEqual(sorted({ a: 1 }, docs), [0, 7, 1, 2, 3, 4, 5, 6, 8, 9]);
  assert.deepEqual(sorted({ a: -1 }, docs), [9, 8, 6, 5, 4, 3, 2, 1, 7, 0]);
});

test("arrays sort by their smallest element ascending and their largest descending", () => {
  const docs = [
    { _id: 1, a: [5, 1] },
    { _id: 2, a: [3] },
    { _id: 3, a: 4 },
  ];
  assert.deepEqual(sorted({ a: 1 }, docs), [1, 2, 3]);
  assert.deepEqual(sorted({ a: -1 }, docs), [1, 3, 2]);
});

test("paths through one array take their values from one element", () => {
  const docs = [
    {
      _id: 1,
      a: [
        { x: 1, y: 9 },
        { x: 2, y: 0 },
      ],
    },
    { _id: 2, a: [{ x: 1, y: 5 }] },
  ];
  assert.deepEqual(sorted({ "a.x": 1, "a.y": 1 }, docs), [2, 1]);
});

test("paths through one array, beside another field and deeper down", () => {
  const docs = [
    {
      _id: 1,
      k: 1,
      o: {
        a: [
          { x: 1, y: 9 },
          { x: 2, y: 0 },
        ],
      },
    },
    { _id: 2, k: 1, o: { a: [{ x: 1, y: 5 }] } },
    { _id: 3, k: 0, o: { a: [] as Document[] } },
  ];
  assert.deepEqual(sorted({ k: 1, "o.a.x": 1, "o.a.y": 1 }, docs), [3, 2, 1]);
  assert.deepEqual(sorted({ "o.a.y": -1, k: 1, "o.a.x": 1 }, docs), [1, 2, 3]);
});

test("paths with array positions use the values at these positions", () => {
  const docs = [
    { _id: 1, r: [1, 3], q: [1] },
    { _id: 2, r: [1, 2], q: [5] },
    { _id: 3, r: [0, 9], q: [7] },
    { _id: 4, r: [1], q: 4 },
  ];
  assert.deepEqual(sorted({ "r.0": 1, "r.1": 1 }, docs), [3, 4, 2, 1]);
  assert.deepEqual(sorted({ "r.0": -1, "r.1": -1 }, docs), [1, 2, 4, 3]);
  assert.deepEqual(sorted({ "r.0": 1, "q.0": 1 }, docs), [3, 4, 1, 2]);
  const nested = [
    { _id: 1, r: [{ a: 2, b: 1 }] },
    { _id: 2, r: [{ a: 1, b: 1 }] },
    { _id: 3, r: [{ a: 3, b: 0 }] },
  ];
  assert.deepEqual(sorted({ "r.0.b": 1, "r.0.a": 1 }, nested), [3, 2, 1]);
});

test("paths through two arrays have no order", () => {
  const parallel = [{ a: [1, 2], b: [1, 2] }, { a: 1 }];
  assert.throws(() => sorted({ a: 1, b: 1 }, parallel), { code: 2 });
  assert.doesNotThrow(() => sorted({ a: 1 }, parallel));
});

test("several fields, each with its direction, and a stable order of equals", () => {
  const docs = [
    { _id: 1, a: 1, b: 1 },
    { _id: 2, a: 1, b: 2 },
    { _id: 3, a: 0, b: 1 },
    { _id: 4, a: 0, b: 1 },
  ];
  assert.deepEqual(sorted({ a: -1, b: -1 }, docs), [2, 1, 3, 4]);
});

test("a collation decides the order of strings", () => {
  const docs = [
    { _id: 1, a: "b" },
    { _id: 2, a: "A" },
    { _id: 3, a: "a10" },
    { _id: 4, a: "a9" },
  ];
  assert.deepEqual(sorted({ a: 1 }, docs), [2, 3, 4, 1]);
  assert.deepEqual(sorted({ a: 1 }, docs, { locale: "en", numericOrdering: true }), [2, 4, 3, 1]);
});

test("directions other than 1 and -1 are rejected", () => {
  assert.throws(() => compileSort(docOf({ a: 2 })), { code: 15975 });
  assert.throws(() => compileSort(docOf({ a: "asc" })), { code: 15974 });
  assert.throws(() => compileSort(docOf({ a: { $meta: "textScore" } })), { code: 115 });
});

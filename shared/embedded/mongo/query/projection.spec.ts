import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { canonical, docOf } from "../bson/official.fixture.ts";
import { compileProjection } from "./projection.ts";

const doc = {
  _id: 1,
  a: [{ x: 1, y: 1 }, { x: 2, y: 2 }, 5],
  b: { c: 1, d: { e: 2 } },
  e: 5,
  l: [1, 2, 3, 4],
};

/** projection, expected, filter */
const cases: readonly (readonly [Document, Document, Document?])[] = [
  [{ e: 1 }, { _id: 1, e: 5 }],
  [{ e: true, _id: 0 }, { e: 5 }],
  [{ _id: 1 }, { _id: 1 }],
  [{ _id: 0 }, { a: doc.a, b: doc.b, e: 5, l: doc.l }],
  [
    { a: 0, l: 0 },
    { _id: 1, b: doc.b, e: 5 },
  ],
  [{ "b.c": 1 }, { _id: 1, b: { c: 1 } }],
  [{ b: { d: { e: 1 } } }, { _id: 1, b: { d: { e: 2 } } }],
  [
    { "b.c": 0, a: 0, l: 0 },
    { _id: 1, b: { d: { e: 2 } }, e: 5 },
  ],
  [{ "a.x": 1 }, { _id: 1, a: [{ x: 1 }, { x: 2 }] }],
  [
    { "a.x": 0, b: 0, l: 0 },
    { _id: 1, a: [{ y: 1 }, { y: 2 }, 5], e: 5 },
  ],
  [{ "e.x": 1 }, { _id: 1 }],
  [
    { l: { $slice: 2 }, e: 1 },
    { _id: 1, e: 5, l: [1, 2] },
  ],
  [
    { l: { $slice: -1 }, a: 0, b: 0 },
    { _id: 1, e: 5, l: [4] },
  ],
  [
    { l: { $slice: [1, 2] }, e: 1 },
    { _id: 1, e: 5, l: [2, 3] },
  ],
  [
    { l: { $slice: [-3, 2] }, e: 1 },
    { _id: 1, e: 5, l: [2, 3] },
  ],
  [{ a: { $elemMatch: { x: { $gt: 1 } } } }, { _id: 1, a: [{ x: 2, y: 2 }] }],
  [{ a: { $elemMatch: { x: 9 } } }, { _id: 1 }],
  [{ "a.$": 1 }, { _id: 1, a: [{ x: 2, y: 2 }] }, { "a.x": 2 }],
  [{ "l.$": 1, e: 1 }, { _id: 1, e: 5, l: [3] }, { l: { $gte: 3 } }],
  [
    { z: { $add: ["$e", 1] }, e: 1 },
    { _id: 1, e: 5, z: 6 },
  ],
  [
    { z: "$b.c", y: "text", x: { $literal: 1 } },
    { _id: 1, z: 1, y: "text", x: 1 },
  ],
  [{ b: { c: "$e" } }, { _id: 1, b: { c: 5 } }],
  [{ _id: "$e" }, { _id: 5 }],
  [
    { gone: "$nothing", e: 1 },
    { _id: 1, e: 5 },
  ],
];

test("projections give what MongoDB gives, in its order", () => {
  for (const [projection, expected, filter] of cases) {
    const project = compileProjection(docOf(projection), filter && docOf(filter));
    assert.equal(
      canonical(project(docOf(doc))),
      canonical(docOf(expected)),
      BSON.EJSON.stringify(projection),
    );
  }
});

test("contradictory projections are refused with the server's code", () => {
  const faults: readonly (readonly [Document, number])[] = [
    [{ a: 1, b: 0 }, 31254],
    [{ a: 0, b: 1 }, 31253],
    [{ b: 1, "b.c": 1 }, 31249],
    [{ "b.c": 1, b: 1 }, 31250],
    [{ a: 0, z: "$e" }, 31252],
    [{ "a.": 1 }, 15998],
    [{ $a: 1 }, 16410],
    [{ a: { $bogus: 1 } }, 168],
    [{ a: { $meta: "textScore" } }, 115],
  ];
  for (const [projection, code] of faults) {
    assert.throws(() => compileProjection(docOf(projection)), { code }, JSON.stringify(projection));
  }
});

import type { Document } from "mongodb";

export const projectedDocument = {
  _id: 1,
  a: [{ x: 1, y: 1 }, { x: 2, y: 2 }, 5],
  b: { c: 1, d: { e: 2 } },
  e: 5,
  l: [1, 2, 3, 4],
};
const doc = projectedDocument;

/** Projection, its result for the document above, and the query's filter. Verified against a real server. */
export const projectionCases: readonly (readonly [Document, Document, Document?])[] = [
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

import { BSON, type Document } from "mongodb";

const { Decimal128, Double, Long } = BSON;

export interface UpdateExtra {
  readonly filter?: Document;
  readonly arrayFilters?: readonly Document[];
  readonly isInsert?: boolean;
}

/** Update, document, expected document (null: unchanged). Verified against a real server. */
export const updateCases: readonly (readonly [unknown, Document, Document | null, UpdateExtra?])[] = [
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
  [
    { $pull: { a: { $or: [{ x: 1 }, { y: { $gt: 5 } }] } } },
    { a: [{ x: 1 }, { y: 9 }, { y: 1 }, 7] },
    { a: [{ y: 1 }, 7] },
  ],
  [{ $pull: { a: { $and: [{ x: 1 }, { y: 1 }] } } }, { a: [{ x: 1, y: 1 }, { x: 1 }] }, { a: [{ x: 1 }] }],
  [{ $pull: { a: { $nor: [{ x: 1 }] } } }, { a: [{ x: 1 }, { x: 2 }, 3] }, { a: [{ x: 1 }, 3] }],
  [
    { $pull: { a: { $id: 1 } } },
    {
      a: [
        { $ref: "c", $id: 1 },
        { $ref: "c", $id: 2 },
      ],
    },
    { a: [{ $ref: "c", $id: 2 }] },
  ],
  [
    { $pull: { a: { $ref: "c", $id: 2 } } },
    {
      a: [
        { $ref: "c", $id: 1 },
        { $ref: "c", $id: 2 },
      ],
    },
    { a: [{ $ref: "c", $id: 1 }] },
  ],
  [{ $set: { $a: 1, "b.$*": 2 } }, { b: { c: 1 } }, { b: { c: 1, "$*": 2 }, $a: 1 }],
  [{ $inc: { "b.$x": 1 } }, { b: { $x: 1 } }, { b: { $x: 2 } }],
  [{ $pop: { "a.b": 1, "c.d.0": -1 } }, { a: {}, c: { d: [[1, 2]] } }, { a: {}, c: { d: [[2]] } }],
  [{ $pull: { "a.b": 1 } }, { a: 5 }, null],
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

import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { docOf } from "../bson/official.fixture.ts";
import { compileCollation } from "./collation.ts";
import { compileMatch, matchedArrayIndex } from "./match.ts";

const { Decimal128, Double, Long, MaxKey, MinKey, ObjectId } = BSON;
const matches = (filter: Document, doc: Document): boolean => compileMatch(docOf(filter))(docOf(doc));

/** filter, document, result */
const cases: readonly (readonly [Document, Document, boolean])[] = [
  [{}, { a: 1 }, true],
  [{ a: 1 }, { a: Long.fromNumber(1) }, true],
  [{ a: new Double(1) }, { a: Decimal128.fromString("1.0") }, true],
  [{ a: Long.fromString("9007199254740993") }, { a: new Double(9007199254740992) }, false],
  [{ a: { $gt: new Double(9007199254740992) } }, { a: Long.fromString("9007199254740993") }, true],
  [{ a: "1" }, { a: 1 }, false],
  [{ a: { $gt: 1 } }, { a: "2" }, false],
  [{ a: { $lt: "b" } }, { a: "a" }, true],
  [{ a: { $gte: Number.NaN } }, { a: Number.NaN }, true],
  [{ a: { $lt: 5 } }, { a: Number.NaN }, false],
  [{ a: { $gt: new MinKey() } }, { a: 1 }, true],
  [{ a: { $lt: new MaxKey() } }, { a: "x" }, true],
  [{ a: { $lt: 5 } }, {}, false],
  [{ a: null }, {}, true],
  [{ a: null }, { a: null }, true],
  [{ a: null }, { a: 0 }, false],
  [{ a: { $gte: null } }, {}, true],
  [{ a: { $gt: null } }, { a: null }, false],
  [{ a: { $ne: null } }, { a: 1 }, true],
  [{ "a.b": null }, { a: 5 }, true],
  [{ "a.b": null }, { a: [] }, false],
  [{ "a.b": null }, { a: [{ b: 1 }, {}] }, true],
  [{ "a.b": null }, { a: [1, 2] }, false],
  [{ "a.b": { $exists: false } }, { a: [1, 2] }, true],
  [{ a: [1, 2] }, { a: [1, 2] }, true],
  [{ a: [1, 2] }, { a: [[1, 2], 3] }, true],
  [{ a: 1 }, { a: [3, 1] }, true],
  [{ a: { $gt: 1, $lt: 3 } }, { a: [0, 5] }, true],
  [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 5] }, false],
  [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 2] }, true],
  [{ a: { $elemMatch: { b: 1, c: 2 } } }, { a: [{ b: 1 }, { c: 2 }] }, false],
  [{ a: { $elemMatch: { b: 1, c: 2 } } }, { a: [{ b: 1, c: 2 }] }, true],
  [{ a: { $elemMatch: { $or: [{ b: 1 }, { c: 2 }] } } }, { a: [{ c: 2 }] }, true],
  [{ a: { $elemMatch: { $elemMatch: { $gt: 2 } } } }, { a: [[1], [3]] }, true],
  [{ "a.b": 1, "a.c": 2 }, { a: [{ b: 1 }, { c: 2 }] }, true],
  [{ "a.0": 1 }, { a: [1, 2] }, true],
  [{ "a.0": 2 }, { a: [1, 2] }, false],
  [{ "a.0.b": 1 }, { a: [{ b: 1 }] }, true],
  [{ "a.0": 7 }, { a: { 0: 7 } }, true],
  [{ "a.b": 1 }, { a: [[{ b: 1 }]] }, false],
  [{ "a.0.b": 1 }, { a: [[{ b: 1 }]] }, true],
  [{ a: { $size: 2 } }, { a: [1, 2] }, true],
  [{ a: { $size: 2 } }, { a: [[1, 2]] }, false],
  [{ a: { $all: [1, 2] } }, { a: [2, 3, 1] }, true],
  [{ a: { $all: [] } }, { a: [] }, false],
  [{ a: { $all: [{ $elemMatch: { b: 1 } }, { $elemMatch: { c: 1 } }] } }, { a: [{ b: 1 }, { c: 1 }] }, true],
  [{ a: { $in: [1, /^b/] } }, { a: "bc" }, true],
  [{ a: { $in: [] } }, { a: 1 }, false],
  [{ a: { $in: [null] } }, {}, true],
  [{ a: { $in: Array.from({ length: 20 }, (_, i) => new Double(i)) } }, { a: Long.fromNumber(19) }, true],
  [{ a: { $in: [...Array(20).keys(), null] } }, {}, true],
  [{ a: { $nin: [1, 2] } }, { a: [3, 2] }, false],
  [{ a: { $nin: [1, 2] } }, {}, true],
  [{ a: { $ne: 1 } }, { a: [1, 2] }, false],
  [{ a: { $not: { $gt: 5 } } }, { a: [1, 9] }, false],
  [{ a: { $not: { $gt: 5 } } }, {}, true],
  [{ a: { $not: /x/ } }, { a: "y" }, true],
  [{ $nor: [{ a: 1 }, { b: 1 }] }, { a: 2, b: 2 }, true],
  [{ $or: [{ a: 1 }, { b: 1 }] }, { b: 1 }, true],
  [{ a: { $exists: true } }, { a: null }, true],
  [{ a: { $exists: 0 } }, { a: null }, false],
  [{ a: { $type: "number" } }, { a: Long.ONE }, true],
  [{ a: { $type: ["string", 8] } }, { a: true }, true],
  [{ a: { $type: "array" } }, { a: [1] }, true],
  [{ a: { $type: "int" } }, { a: [1] }, true],
  [{ a: { $type: "double" } }, { a: new Double(1) }, true],
  [{ a: { $type: "double" } }, { a: 1 }, false],
  [{ a: { $mod: [4, 1] } }, { a: 9.7 }, true],
  [{ a: { $mod: [4, 0] } }, { a: "8" }, false],
  [{ a: { $regex: "^A", $options: "i" } }, { a: "abc" }, true],
  [{ a: /a.c/ }, { a: "a\nc" }, false],
  [{ a: { $regex: "a b # c", $options: "x" } }, { a: "ab" }, true],
  [{ a: { $regex: "(?i)ABC" } }, { a: "xabc" }, true],
  [{ a: { $regex: "c$" } }, { a: "abc\n" }, true],
  [{ a: /1/ }, { a: 1 }, false],
  [{ a: { $bitsAllSet: 5 } }, { a: 7 }, true],
  [{ a: { $bitsAllSet: [0, 63] } }, { a: -1 }, true],
  [{ a: { $bitsAnyClear: [1] } }, { a: 5 }, true],
  [{ a: { $bitsAllClear: 2 } }, { a: 1.5 }, false],
  [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 2 } }, true],
  [{ a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }, false],
  [{ a: { b: 1 } }, { a: { b: new Double(1) } }, true],
  [{ a: { $eq: { $x: 1 } } }, { a: 1 }, false],
  [{ $expr: { $gt: ["$a", "$b"] } }, { a: 2, b: 1 }, true],
  [{ $expr: { $eq: ["$a.b", [1, 2]] } }, { a: [{ b: 1 }, { b: 2 }] }, true],
  [{ $comment: "why" }, { a: 2 }, true],
  [
    { _id: new ObjectId("65f0c0ffee0123456789abcd") },
    { _id: new ObjectId("65f0c0ffee0123456789abcd") },
    true,
  ],
  [{ "a.$id": 1 }, { a: { $id: 1 } }, true],
];

test("filters accept and refuse documents as MongoDB does", () => {
  for (const [filter, doc, expected] of cases) {
    assert.equal(
      matches(filter, doc),
      expected,
      `${BSON.EJSON.stringify(filter)} on ${BSON.EJSON.stringify(doc)}`,
    );
  }
});

test("what is wrong in a filter is named with the server's code, before any document is seen", () => {
  const faults: readonly (readonly [Document, number])[] = [
    [{ a: { $bogus: 1 } }, 2],
    [{ a: { $gt: 1, b: 2 } }, 2],
    [{ $bogus: 1 }, 2],
    [{ $and: [] }, 2],
    [{ $or: {} }, 2],
    [{ $and: [1] }, 2],
    [{ a: { $in: 1 } }, 2],
    [{ a: { $in: [{ $gt: 1 }] } }, 2],
    [{ a: { $not: 1 } }, 2],
    [{ a: { $not: {} } }, 2],
    [{ a: { $mod: [0, 1] } }, 2],
    [{ a: { $mod: [1] } }, 2],
    [{ a: { $type: "bogus" } }, 2],
    [{ a: { $size: -1 } }, 9],
    [{ a: { $elemMatch: 1 } }, 2],
    [{ a: { $regex: "(" } }, 51091],
    [{ a: { $options: "i" } }, 2],
    [{ a: { $bitsAllSet: "x" } }, 2],
    [{ $where: "true" }, 115],
    [{ $text: { $search: "x" } }, 115],
    [{ a: { $geoWithin: {} } }, 115],
    [{ $expr: { $bogus: 1 } }, 168],
  ];
  for (const [filter, code] of faults) {
    assert.throws(() => compileMatch(docOf(filter)), { code }, JSON.stringify(filter));
  }
});

test("the positional operator means the element that the filter found", () => {
  const at = (filter: Document, doc: Document) => matchedArrayIndex(compileMatch(docOf(filter)), docOf(doc));
  assert.equal(at({ a: 2 }, { a: [1, 2, 2] }), 1);
  assert.equal(at({ "a.b": { $gt: 1 } }, { a: [{ b: 1 }, { b: [0, 5] }] }), 1);
  assert.equal(at({ a: { $elemMatch: { b: 1, c: 1 } } }, { a: [{ b: 1 }, { b: 1, c: 1 }] }), 1);
  assert.equal(at({ a: 1, b: { $ne: 7 } }, { a: [0, 1], b: [1, 2] }), 1);
  assert.equal(at({ b: 1 }, { a: [1], b: 1 }), undefined);
});

test("a collation decides how strings compare", () => {
  const collation = compileCollation(docOf({ locale: "en", strength: 2 }))!;
  const match = compileMatch(docOf({ a: "PING", b: { $in: ["x", "Y"] } }), { collation });
  assert.equal(match(docOf({ a: "ping", b: "y" })), true);
  assert.equal(match(docOf({ a: "pïng", b: "y" })), false);
  assert.throws(() => compileCollation(docOf({ strength: 2 })), { code: 40414 });
  assert.throws(() => compileCollation(docOf({ locale: "en", bogus: 2 })), { code: 40415 });
  assert.throws(() => compileCollation(docOf({ locale: "en", strength: 5 })), { code: 115 });
});

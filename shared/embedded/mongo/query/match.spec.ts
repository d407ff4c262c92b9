import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { compileCollation } from "../bson/collation.ts";
import { encodeDocument } from "../bson/encode.ts";
import { docOf } from "../bson/official.fixture.ts";
import { filterCases } from "./filter-cases.fixture.ts";
import { compileMatch, matchedArrayIndex } from "./match.ts";
import { compileRawMatch } from "./raw-match.ts";

const matches = (filter: Document, doc: Document): boolean => compileMatch(docOf(filter))(docOf(doc));

test("filters match the same documents as MongoDB", () => {
  for (const [filter, doc, expected] of filterCases) {
    assert.equal(
      matches(filter, doc),
      expected,
      `${BSON.EJSON.stringify(filter)} on ${BSON.EJSON.stringify(doc)}`,
    );
  }
});

test("the bytes of a document give the same result, or none", () => {
  let decided = 0;
  for (const [filter, doc, expected] of filterCases) {
    const matches = compileRawMatch(docOf(filter))(encodeDocument(docOf(doc)));
    if (matches === undefined) continue;
    decided++;
    assert.equal(matches, expected, `${BSON.EJSON.stringify(filter)} on ${BSON.EJSON.stringify(doc)}`);
  }
  assert.ok(decided > 40, `${decided} decided`);
});

test("an invalid filter fails with the server's code before any document is read", () => {
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
    [{ a: { $elemMatch: { $expr: { $gt: ["$b", 1] } } } }, 2],
    [{ a: { $elemMatch: { $or: [{ b: 1 }, { $expr: true }] } } }, 2],
    [{ a: { $all: [1, { $elemMatch: { b: 1 } }] } }, 2],
    [{ a: { $all: [{ $elemMatch: { b: 1 } }, 1] } }, 2],
    [{ a: { $id: 1 } }, 2],
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

test("the positional operator refers to the element that the filter matched", () => {
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
  assert.throws(() => compileCollation(docOf({ locale: "xx" })), { code: 2 });
  assert.throws(() => compileCollation(docOf({ locale: "not a locale" })), { code: 2 });
  assert.throws(() => compileCollation(docOf({ locale: "en", bogus: 2 })), { code: 40415 });
  assert.throws(() => compileCollation(docOf({ locale: "en", strength: 5 })), { code: 115 });
});

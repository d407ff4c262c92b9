import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BSON } from "mongodb";
import { STORABLE_MAX_DEPTH, storableFault, toStorable } from "./storable.ts";

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};
/** As a store gives it back: inside of a document that is itself nested. */
const stored = (value: unknown) =>
  (BSON.deserialize(BSON.serialize({ data: { result: value } })) as { data: { result: unknown } }).data
    .result;

describe("a value that every store can hold", () => {
  const good = [
    null,
    "text with \0",
    1.5,
    [],
    {},
    nested(STORABLE_MAX_DEPTH),
    JSON.parse('{"__proto__": {"a": 1}, "toJSON": 1, "toBSON": 2, "constructor": 3, "hasOwnProperty": 4}'),
    { "": 1, "a.b": 2, $set: { $x: 1 }, $ref: "#/definitions/a", $oid: "b" },
  ];
  for (const value of good) {
    it(`comes back from BSON as it was: ${JSON.stringify(value).slice(0, 60)}`, () => {
      assert.equal(storableFault(value), undefined);
      assert.equal(toStorable(value).value, value);
      assert.equal(JSON.stringify(stored(value)), JSON.stringify(value));
    });
  }

  const bad: [string, unknown, string, RegExp][] = [
    ["a key of the driver's", { a: [{}, { _bsontype: "ObjectId" }] }, "a[1]", /reserved key _bsontype/],
    ["a NUL in a key", { a: { "b\0c": 1 } }, "a", /contains the character NUL/],
    ["a lone surrogate in a key", { "\ud800": 1 }, "", /not valid Unicode/],
    ["a reference", { a: { $id: 1, $ref: "b" } }, "a", /takes for a reference/],
    ["too many levels", { x: nested(STORABLE_MAX_DEPTH) }, "x", /nested too deep/],
  ];
  for (const [what, value, field, fault] of bad) {
    it(`is none with ${what}, and is one with that part as text`, () => {
      const found = storableFault(value);
      assert.ok(found);
      assert.match(found.fault, fault);
      assert.ok(found.field.startsWith(field), found.field);
      const { value: replaced, faults } = toStorable(value);
      assert.deepEqual(faults, [found]);
      assert.equal(storableFault(replaced), undefined);
      assert.deepEqual(stored(replaced), replaced);
    });
  }

  it("keeps what surrounds the part that became text", () => {
    const { value } = toStorable({ status: 200, body: { _bsontype: "ObjectId" }, list: [1, { "a\0": 2 }] });
    assert.deepEqual(value, { status: 200, body: '{"_bsontype":"ObjectId"}', list: [1, '{"a\\u0000":2}'] });
  });

  it("names the field behind the path it is given", () => {
    assert.equal(
      storableFault({ json: { rows: [{ "\0": 1 }] } }, "job_params")?.field,
      "job_params.json.rows[0]",
    );
  });

  it("is found however deep the value is", () => {
    const { value, faults } = toStorable(nested(50_000));
    assert.equal(faults.length, 1);
    assert.equal(storableFault(value), undefined);
  });
});

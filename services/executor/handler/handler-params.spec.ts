import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import { paramsChecker, withoutNullsOf } from "./handler-params.ts";

const check = paramsChecker({
  name: { type: "string", min: 1, max: 5 },
  age: "number",
  mode: { type: "enum", values: ["fast", "safe"], optional: true },
  rows: {
    type: "array",
    max: 2,
    optional: true,
    items: { type: "object", props: { title: "string", rank: { type: "number", integer: true, min: 1 } } },
  },
  extra: { type: "record", optional: true },
});
const good = { name: "kinit", age: 3.5 };

describe("handler params", () => {
  it("accepts params that satisfy the schema", () => {
    assert.equal(check(good), undefined);
    const full = { ...good, mode: "fast", rows: [{ title: "a", rank: 1 }], extra: { any: [1] } };
    assert.equal(check(full), undefined);
  });

  const faults: [string, unknown, object][] = [
    [
      "a missing field",
      { name: "a" },
      { field: "age", reason: "MISSING", fault: "is missing", expected: "a number" },
    ],
    [
      "null",
      { ...good, age: null },
      { field: "age", reason: "NULL", fault: "is null", expected: "a number" },
    ],
    [
      "another kind",
      { ...good, age: "3" },
      { field: "age", reason: "WRONG_KIND", fault: "is a string", expected: "a number" },
    ],
    [
      "a text too long",
      { ...good, name: "secret" },
      { field: "name", reason: "TOO_LONG", fault: "is too long", expected: "a string of 1 to 5 characters" },
    ],
    [
      "a value outside the list",
      { ...good, mode: "slow" },
      {
        field: "mode",
        reason: "NOT_ALLOWED",
        fault: "is none of the values allowed",
        expected: "one of fast, safe",
      },
    ],
    [
      "a nested field, by its path",
      {
        ...good,
        rows: [
          { title: "a", rank: 1 },
          { title: "b", rank: 0 },
        ],
      },
      {
        field: "rows[1].rank",
        reason: "TOO_SMALL",
        fault: "is too small",
        expected: "a whole number of at least 1",
      },
    ],
    [
      "a fraction",
      { ...good, rows: [{ title: "a", rank: 1.5 }] },
      {
        field: "rows[0].rank",
        reason: "HAS_FRACTION",
        fault: "has a fraction",
        expected: "a whole number of at least 1",
      },
    ],
    [
      "a field that nobody declared",
      { ...good, ages: 1 },
      {
        field: "ages",
        reason: "UNKNOWN_FIELD",
        fault: "is unknown",
        expected: "an object with the fields name, age, mode?, rows?, extra?",
      },
    ],
    [
      "a nested field that nobody declared",
      { ...good, rows: [{ title: "a", rank: 1, surprise: true }] },
      {
        field: "rows[0].surprise",
        reason: "UNKNOWN_FIELD",
        fault: "is unknown",
        expected: "an object with the fields title, rank",
      },
    ],
    [
      "too many items",
      { ...good, rows: [1, 2, 3].map((rank) => ({ title: "a", rank })) },
      {
        field: "rows",
        reason: "TOO_MANY_ITEMS",
        fault: "has too many items",
        expected: "an array of at most 2 items, each an object with the fields title, rank",
      },
    ],
    [
      "params that are no object",
      [good],
      {
        field: "",
        reason: "WRONG_KIND",
        fault: "is an array",
        expected: "an object with the fields name, age, mode?, rows?, extra?",
      },
    ],
  ];
  for (const [what, params, fault] of faults) {
    it(`reports ${what}`, () => {
      const { rule, ...found } = check(params) as ParamFault;
      assert.deepEqual(found, fault);
      assert.deepEqual(rule, JSON.parse(JSON.stringify(rule)));
    });
  }
});

describe("null in handler params", () => {
  const fields = {
    age: "number",
    name: "string|optional",
    mode: { type: "enum", values: ["fast"], optional: true },
    json: { type: "any", optional: true },
    note: { type: "string", optional: true, nullable: true },
    extra: { type: "record", optional: true },
  } as const;

  it("is accepted for an optional field, which is removed", () => {
    const params = { age: 1, name: null, mode: null, json: null, note: null, extra: null };
    assert.equal(paramsChecker(fields)(params), undefined);
    assert.deepEqual(withoutNullsOf(fields)(params), { age: 1, json: null, note: null });
    const given = { age: 1, name: "a", extra: { inner: null } };
    assert.equal(withoutNullsOf(fields)(given), given);
  });

  it("is rejected for a required field", () => {
    const rule = { type: "number" };
    assert.deepEqual(paramsChecker(fields)({ age: null }), {
      rule,
      field: "age",
      reason: "NULL",
      fault: "is null",
      expected: "a number",
    });
  });
});

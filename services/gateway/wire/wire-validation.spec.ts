import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flag, text, whole } from "./wire-kinds.ts";
import { Faults, nested, nullable, optional, readFields, required } from "./wire-validation.ts";

const fields = {
  name: required(text()),
  age: optional(whole({}), 18),
  isActive: required(flag),
  remark: optional(nullable(text()), null),
} as const;

describe("readFields", () => {
  it("coerces, fills in what is left out and drops what is not declared", () => {
    assert.deepEqual(readFields(fields, { name: "a", isActive: "yes", admin: true }), {
      name: "a",
      age: 18,
      isActive: true,
      remark: null,
    });
  });

  it("gathers every fault in the order of the fields", () => {
    const faults = readFields(fields, { remark: 1, age: "x", name: undefined });
    assert.ok(faults instanceof Faults);
    assert.deepEqual(
      faults.errors.map(({ field, message }) => [field, message]),
      [
        ["name", "Input should be a valid string"],
        ["age", "Input should be a valid integer, unable to parse string as an integer"],
        ["isActive", "Field required"],
        ["remark", "Input should be a valid string"],
      ],
    );
  });

  it("does not take inherited members for fields", () => {
    const faults = readFields({ constructor: required(text()) }, {});
    assert.ok(faults instanceof Faults);
    assert.equal(faults.errors[0]?.message, "Field required");
  });

  it("names fields of nested objects by their path", () => {
    const faults = readFields({ data: required(nested(fields)) }, { data: { name: 5, isActive: true } });
    assert.ok(faults instanceof Faults);
    assert.deepEqual(
      faults.errors.map(({ field }) => field),
      ["data.name"],
    );
  });

  it("rejects everything but an object where one is expected", () => {
    for (const data of [[], null, "x", 1]) {
      const faults = readFields({ data: required(nested(fields)) }, { data });
      assert.ok(faults instanceof Faults);
      assert.equal(
        faults.errors[0]?.message,
        "Input should be a valid dictionary or object to extract fields from",
      );
    }
  });
});

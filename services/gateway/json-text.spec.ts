import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEEPEST_JSON, parseJson, parseJsonObject } from "./json-text.ts";

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

describe("parseJson", () => {
  it("takes any JSON value", () => {
    for (const text of ["1", "null", '"a"', "[]", '{"a":[1]}', " 1 "]) {
      assert.deepEqual(parseJson(text), { value: JSON.parse(text) });
    }
  });

  it("refuses what is no JSON", () => {
    for (const text of ["", "{", "NaN", "{'a':1}", "1,"]) assert.equal(parseJson(text), undefined);
  });

  it("takes the deepest allowed nesting and nothing deeper", () => {
    assert.ok(parseJson(deep(DEEPEST_JSON)));
    assert.equal(parseJson(deep(DEEPEST_JSON + 1)), undefined);
    assert.equal(parseJson(deep(400_000)), undefined);
  });

  it("does not count brackets in strings", () => {
    const text = JSON.stringify({ a: `${"[{".repeat(100)}"\\` });
    assert.deepEqual(parseJson(text), { value: JSON.parse(text) });
  });
});

describe("parseJsonObject", () => {
  it("takes objects only", () => {
    assert.deepEqual(parseJsonObject('{"a":1}'), { a: 1 });
    for (const text of ["[]", "null", "1", '"{}"', "{"]) assert.equal(parseJsonObject(text), undefined);
  });
});

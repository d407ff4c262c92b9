import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_JSON_DEPTH, NOT_JSON, parseJson, parseJsonObject } from "./json-text.ts";

const messageOf = (text: string) => {
  const parsed = parseJson(text);
  return "fault" in parsed ? parsed.fault.message : undefined;
};
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

describe("parseJson", () => {
  it("accepts any JSON value", () => {
    for (const text of ["1", "null", '"a"', "[]", '{"a":[1]}', " 1 "]) {
      assert.deepEqual(parseJson(text), { value: JSON.parse(text) });
    }
  });

  it("rejects what is not JSON", () => {
    for (const text of ["", "{", "NaN", "{'a':1}", "1,", "1e5-3", "1.2.3e4"])
      assert.equal(messageOf(text), "JSON decode error");
  });

  it("accepts the deepest allowed nesting and nothing deeper", () => {
    assert.equal(messageOf(deep(MAX_JSON_DEPTH)), undefined);
    assert.match(JSON.stringify(messageOf(deep(MAX_JSON_DEPTH + 1))), /64 层.*64 levels/);
    assert.match(JSON.stringify(messageOf(deep(400_000))), /64 层/);
  });

  it("does not count brackets in strings", () => {
    const text = JSON.stringify({ a: `${"[{".repeat(100)}"\\` });
    assert.deepEqual(parseJson(text), { value: JSON.parse(text) });
  });

  for (const [text, field] of [
    ["12345678901234567890", ""],
    ['{"a":{"b":[1,{"c":-9007199254740993}]}}', "a.b[1].c"],
    ['{"a":1e400}', "a"],
    ["[0,-1E999]", "[1]"],
  ] as const) {
    it(`rejects the number of ${text}, which would change, and names its field`, () => {
      const parsed = parseJson(text);
      assert.ok("fault" in parsed);
      assert.equal(parsed.fault.field, field);
      assert.match(JSON.stringify(parsed.fault.message), /2\^53.*2\^53/);
    });
  }

  it("accepts numbers that do not change, and long digits in strings", () => {
    const text =
      '[9007199254740991,-9007199254740991,1e22,1E+2,1.7976931348623157e308,0.1234567890123456789,"12345678901234567890",{"1e400":"1e400"}]';
    assert.deepEqual(parseJson(text), { value: JSON.parse(text) });
  });
});

describe("parseJsonObject", () => {
  it("accepts objects only", () => {
    assert.deepEqual(parseJsonObject('{"a":1}'), { value: { a: 1 } });
    for (const text of ["[]", "null", "1", '"{}"', "{"]) {
      assert.deepEqual(parseJsonObject(text), { fault: NOT_JSON });
    }
  });
});

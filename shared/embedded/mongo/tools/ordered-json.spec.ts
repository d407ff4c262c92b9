import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOrderedJson } from "./ordered-json.ts";

describe("JSON with objects as maps", () => {
  it("keeps the order of keys, numeric ones included", () => {
    const parsed = parseOrderedJson('{"b": 1, "2": [true, null], "1": {"__proto__": "x"}, "a": -1.5e3}');
    assert.deepEqual(
      parsed,
      new Map<string, unknown>([
        ["b", 1],
        ["2", [true, null]],
        ["1", new Map([["__proto__", "x"]])],
        ["a", -1500],
      ]),
    );
  });

  it("reads strings with all JSON escapes", () => {
    for (const text of ["", '"', "\\", '\\"', '"\\', "\\\\", "a\nb\u2028", "\ud83d\ude00", "\u0000"])
      assert.equal(parseOrderedJson(JSON.stringify(text)), text);
  });

  it("reads a string as long as the longest document", () => {
    const text = '"\\'.repeat(12_000_000);
    assert.equal(parseOrderedJson(JSON.stringify(text)), text);
  });

  it("rejects invalid JSON and names the position", () => {
    for (const [text, position] of [
      ['"open', 1],
      ['"open\\"', 1],
      ['{"a" 1}', 6],
      ["[1, ]", 5],
      ['{"a": 1} x', 10],
      ['"a\nb"', 1],
      ["nul", 1],
    ] as const)
      assert.throws(() => parseOrderedJson(text), new RegExp(`^SyntaxError: .*character ${position}:`), text);
  });
});

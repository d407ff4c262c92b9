import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pythonJson } from "./python-json.ts";

describe("pythonJson", () => {
  const rows: readonly [unknown, string][] = [
    [{ name: "kinit", age: 3 }, '{"name": "kinit", "age": 3}'],
    [{}, "{}"],
    [[], "[]"],
    [[1, [2, { a: null }]], '[1, [2, {"a": null}]]'],
    ["任务执行完成", '"\\u4efb\\u52a1\\u6267\\u884c\\u5b8c\\u6210"'],
    ["😀", '"\\ud83d\\ude00"'],
    ['"\\/\n\r\t\f\b', '"\\"\\\\/\\n\\r\\t\\f\\b"'],
    ["\u0001\u007f ~", '"\\u0001\\u007f ~"'],
    [{ 名: 1 }, '{"\\u540d": 1}'],
    [0.1, "0.1"],
    [-2.5, "-2.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [1e-10, "1e-10"],
    [1e21, "1e+21"],
    [1e300, "1e+300"],
    [-0, "0"],
    [true, "true"],
    [null, "null"],
    [undefined, "null"],
    [Number.NaN, "null"],
    [{ a: undefined, b: () => 1, c: [undefined] }, '{"c": [null]}'],
    [{ at: new Date(0) }, '{"at": "1970-01-01T00:00:00.000Z"}'],
    [JSON.parse('{"__proto__": 1}'), '{"__proto__": 1}'],
  ];
  for (const [value, text] of rows) {
    it(`writes ${text}`, () => assert.equal(pythonJson(value), text));
  }
});

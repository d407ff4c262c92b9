import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { maskJsonText, maskSecrets, maskText } from "./secret-mask.ts";

describe("secret mask", () => {
  const rows: readonly [unknown, unknown][] = [
    [
      { password: "a", name: "b" },
      { password: "***", name: "b" },
    ],
    [{ user: { accessToken: "a", api_key: 1 } }, { user: { accessToken: "***", api_key: "***" } }],
    [[{ Authorization: ["a"] }], [{ Authorization: "***" }]],
    [{ job_params: '{"password": "a", "age": 3}' }, { job_params: '{"password": "***", "age": 3}' }],
    [{ job_params: '{"token": {"a": ["b"]}}' }, { job_params: '{"token":"***"}' }],
    [null, null],
    [7, 7],
  ];
  for (const [value, masked] of rows) {
    it(`masks ${JSON.stringify(value)}`, () => assert.deepEqual(maskSecrets(value), masked));
  }

  const texts: readonly [string, string][] = [
    ['{"password": "a\\"b", "x": 1', '{"password": "***", "x": 1'],
    ['{"token": "cut off', '{"token": "***"'],
    ['{"secret":12, "b":2', '{"secret":"***", "b":2'],
    [
      '{"job_params": "{\\"password\\": \\"a\\"}", oops',
      '{"job_params": "{\\"password\\": \\"***\\"}", oops',
    ],
    ['{"token": {"a": "cut off', '{"token": "***"'],
    ['{"passw\\u006frd": "escaped", oops', '{"passw\\u006frd": "***", oops'],
    ["no members here", "no members here"],
  ];
  for (const [text, masked] of texts) {
    it(`masks the broken text ${text}`, () => assert.equal(maskText(text), masked));
  }

  const whole: readonly [string, string][] = [
    ['{ "name": "\\u4efb", "age": 3 }', '{ "name": "\\u4efb", "age": 3 }'],
    ['{ "password": "a", "age": 3 }', '{ "password": "***", "age": 3 }'],
    ['{ "password": ["a", "b"], "age": 3 }', '{"password":"***","age":3}'],
    ['[{ "\\u0074oken": {"a": {"b": 1}} }]', '[{"token":"***"}]'],
    ['{"password": {"a": "b"}, oops', '{"password": "***"'],
  ];
  for (const [text, masked] of whole) {
    it(`masks the JSON text ${text}`, () => assert.equal(maskJsonText(text), masked));
  }

  it("stays fast on a megabyte made to defeat it", () => {
    const size = 1_000_000;
    const texts = [
      '"password'.repeat(size / 9),
      `"password"${" ".repeat(size)}`,
      `"token\\${"\\".repeat(size)}`,
    ];
    const started = performance.now();
    for (const text of texts) maskText(text);
    assert.ok(performance.now() - started < 30_000, "quadratic time would be hours");
  });

  it("keeps a member named __proto__ as a member", () => {
    const masked = maskSecrets(JSON.parse('{"__proto__": {"token": 1}}')) as object;
    assert.equal(JSON.stringify(masked), '{"__proto__":{"token":"***"}}');
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AppError } from "../../../shared/errors.ts";
import { type Outcome, returned, thrown } from "./outcome.ts";
import { RESULT_MAX_BYTES, STACK_MAX_BYTES } from "./size-limits.ts";

const failure = (outcome: Outcome) => {
  assert.equal(outcome.kind, "failed");
  return outcome as Extract<Outcome, { kind: "failed" }>;
};

describe("a value that a handler returned", () => {
  it("is the result as plain JSON", () => {
    for (const value of [null, true, 1.5, "done", { a: [1, { b: null }] }]) {
      assert.deepEqual(returned(value), { kind: "succeeded", result: value });
    }
    assert.deepEqual(returned(undefined), { kind: "succeeded" });
    assert.deepEqual(returned({ at: new Date(0), omitted: undefined }), {
      kind: "succeeded",
      result: { at: "1970-01-01T00:00:00.000Z" },
    });
  });

  it("is stored as JSON text with a warning if it cannot be stored otherwise", () => {
    assert.deepEqual(returned({ status: 200, body: { "a\0b": 1 } }), {
      kind: "succeeded",
      result: { status: 200, body: '{"a\\u0000b":1}' },
      warning: "Parts of the result are stored as JSON text: body has a key that contains the character NUL",
    });
    assert.equal(
      (returned({ _bsontype: "ObjectId" }) as { result: unknown }).result,
      '{"_bsontype":"ObjectId"}',
    );
    const deep = returned(JSON.parse(`${"[".repeat(250)}${"]".repeat(250)}`)) as { warning: string };
    assert.match(deep.warning, /nested too deep$/);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const rejected: [string, unknown, RegExp][] = [
    ["a BigInt", 1n, /it is a bigint/],
    ["a nested BigInt", { total: 1n }, /field total is a bigint/],
    ["a function", () => 1, /it is a function/],
    ["a nested function", [{ next: () => 1 }], /field next is a function/],
    ["a symbol", Symbol("x"), /it is a symbol/],
    ["a cycle", cyclic, /circular/],
    ["no number", Number.NaN, /it is NaN/],
    ["too much", "x".repeat(RESULT_MAX_BYTES), /524290 bytes as JSON, 524288 are allowed/],
    ["far too deep", JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`), /it is nested too deep/],
    ["a toJSON that throws", { toJSON: () => assert.fail("not today") }, /not today/],
  ];
  for (const [what, value, why] of rejected) {
    it(`is a failure if it is ${what}`, () => {
      const { error, retryable } = failure(returned(value));
      assert.equal(error.type, "RESULT_NOT_SERIALISABLE");
      assert.match(error.message, why);
      assert.equal(retryable, false);
    });
  }
});

describe("a value that a handler threw", () => {
  it("keeps type, message and retryable if it is an AppError", () => {
    const error = new AppError("GET answered 503", { type: "HTTP_STATUS", retryable: true });
    const outcome = failure(thrown(error));
    assert.equal(outcome.error.type, "HTTP_STATUS");
    assert.equal(outcome.error.message, "GET answered 503");
    assert.match(outcome.error.stack ?? "", /outcome\.spec\.ts/);
    assert.equal(outcome.retryable, true);
  });

  it("is not retryable if it excludes that", () => {
    for (const error of [
      new AppError("GET answered 404", { type: "HTTP_STATUS", retryable: false }),
      Object.assign(new Error("no"), { retryable: false }),
    ])
      assert.equal(failure(thrown(error)).retryable, false);
  });

  it("has its name as type and is retryable if it is another error", () => {
    const outcome = failure(thrown(new RangeError("too far")));
    assert.deepEqual(
      [outcome.error.type, outcome.error.message, outcome.retryable],
      ["RangeError", "too far", true],
    );
  });

  it("is described if it is not an error", () => {
    const described = (value: unknown) => {
      const { error } = failure(thrown(value));
      return [error.type, error.message];
    };
    assert.deepEqual(described(null), ["NOT_AN_ERROR", "The handler threw null"]);
    assert.deepEqual(described(undefined), ["NOT_AN_ERROR", "The handler threw undefined"]);
    assert.deepEqual(described("oops"), ["NOT_AN_ERROR", "oops"]);
    assert.deepEqual(described({ type: 7, message: "odd" }), ["NOT_AN_ERROR", "odd"]);
    assert.deepEqual(described(Object.create(null))[0], "NOT_AN_ERROR");
    const hostile = new Proxy({}, { get: () => assert.fail() });
    assert.deepEqual(described(hostile), ["NOT_AN_ERROR", "The handler threw an object that cannot be read"]);
  });

  it("has a stack of limited size", () => {
    const error = new Error("deep");
    error.stack = "at x\n".repeat(10_000);
    const { stack } = failure(thrown(error)).error;
    assert.ok(Buffer.byteLength(stack ?? "") < STACK_MAX_BYTES + 50);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catalogue, matchesPattern } from "./catalogue.ts";
import { ContractViolation, compileCheck } from "./contract.ts";

describe("event contracts", () => {
  for (const [type, contract] of Object.entries(catalogue.contracts)) {
    it(`${type}: its example validates and survives JSON`, () => {
      const example = { type, data: JSON.parse(JSON.stringify(contract.example)) };
      catalogue.check(example);
      assert.deepEqual(example.data, contract.example);
    });

    it(`${type}: a field that nobody declared is refused`, () => {
      const data = { ...contract.example, surprise: 1 };
      assert.throws(() => catalogue.check({ type, data }), {
        type: "CONTRACT_VIOLATION",
        message: /surprise/,
      });
    });

    it(`${type}: every required field is required`, () => {
      for (const name of Object.keys(contract.example)) {
        const { [name]: _, ...rest } = contract.example as Record<string, unknown>;
        const rule = (contract.data as Record<string, unknown>)[name];
        if (JSON.stringify(rule).includes("optional")) continue;
        assert.throws(() => catalogue.check({ type, data: rest }), ContractViolation, name);
      }
    });
  }

  it("an unknown event is refused by name", () => {
    assert.throws(() => catalogue.check({ type: "task.misspelt", data: {} }), { message: /task\.misspelt/ });
  });

  it("a violation never repeats the value", () => {
    const refused = () => catalogue.check({ type: "task.paused", data: { taskId: "hunter2", at: "x" } });
    assert.throws(
      refused,
      (error: ContractViolation) => !JSON.stringify([error.message, error.data]).includes("hunter2"),
    );
  });
});

describe("null in a contract", () => {
  const check = compileCheck("params", {
    any: { type: "any", optional: true },
    count: "number|optional",
    name: { type: "string", nullable: true, optional: true },
    free: { type: "record", optional: true },
    list: { type: "array", optional: true, items: "any" },
  });
  const inObject = JSON.parse('{"a":null,"__proto__":{"b":null}}');
  for (const data of [{ any: null }, { name: null }, { free: inObject }, { list: [null] }, {}]) {
    it(`is taken, and left as it is, in ${JSON.stringify(data)}`, () => {
      const text = JSON.stringify(data);
      check(data);
      assert.equal(JSON.stringify(data), text);
    });
  }
  for (const data of [{ count: null }, { free: null }, { list: null }]) {
    it(`is refused in ${JSON.stringify(data)}`, () => assert.throws(() => check(data), ContractViolation));
  }
});

describe("channel patterns", () => {
  it("match one type or one family", () => {
    assert.equal(matchesPattern("run.*", "run.succeeded"), true);
    assert.equal(matchesPattern("run.*", "task.due"), false);
    assert.equal(matchesPattern("task.due", "task.due"), true);
    assert.equal(matchesPattern("task.due", "task.deleted"), false);
  });
});

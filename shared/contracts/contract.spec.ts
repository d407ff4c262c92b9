import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catalogue, matchesPattern } from "./catalogue.ts";
import { ContractViolation } from "./contract.ts";

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

describe("channel patterns", () => {
  it("match one type or one family", () => {
    assert.equal(matchesPattern("run.*", "run.succeeded"), true);
    assert.equal(matchesPattern("run.*", "task.due"), false);
    assert.equal(matchesPattern("task.due", "task.due"), true);
    assert.equal(matchesPattern("task.due", "task.deleted"), false);
  });
});

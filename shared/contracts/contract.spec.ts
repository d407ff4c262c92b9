import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { action, returns } from "./action.ts";
import { actions } from "./actions.ts";
import { catalogue, matchesPattern } from "./catalogue.ts";
import { type Checked, ContractViolation, compileCheck, type Fields } from "./contract.ts";

describe("event contracts", () => {
  for (const [type, contract] of Object.entries(catalogue.contracts)) {
    it(`${type}: its example validates and survives JSON`, () => {
      const example = { type, data: JSON.parse(JSON.stringify(contract.example)) };
      catalogue.check(example);
      assert.deepEqual(example.data, contract.example);
    });

    it(`${type}: an undeclared field is rejected`, () => {
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

  it("an unknown event is rejected by name", () => {
    assert.throws(() => catalogue.check({ type: "task.misspelt", data: {} }), { message: /task\.misspelt/ });
  });

  it("a violation never repeats the value", () => {
    const rejected = () => catalogue.check({ type: "task.paused", data: { taskId: "hunter2", at: "x" } });
    assert.throws(
      rejected,
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
    it(`is accepted, and not changed, in ${JSON.stringify(data)}`, () => {
      const text = JSON.stringify(data);
      check(data);
      assert.equal(JSON.stringify(data), text);
    });
  }
  for (const data of [{ count: null }, { free: null }, { list: null }]) {
    it(`is rejected in ${JSON.stringify(data)}`, () => assert.throws(() => check(data), ContractViolation));
  }
});

describe("declarations", () => {
  it("are frozen in depth", () => {
    const { params, example } = actions["scheduler.create"];
    assert.throws(() => Object.assign(params.startAt, { nullable: false }), TypeError);
    assert.throws(() => Object.assign(example.params, { name: "other" }), TypeError);
    assert.throws(() => Object.assign(catalogue.contracts["task.due"].data, { at: "string" }), TypeError);
  });

  it("are not changed by the checks that are made of them", () => {
    const fields = {
      at: { type: "instant", nullable: true },
      rows: { type: "array", items: { type: "object", props: { value: { type: "any", optional: true } } } },
    } as const;
    const before = JSON.stringify(fields);
    compileCheck("twice", fields)({ at: null, rows: [{ value: 1 }] });
    compileCheck("twice", fields)({ at: "2026-01-05T08:00:00.000Z", rows: [] });
    assert.equal(JSON.stringify(fields), before);
  });

  it("do not compile with a misspelt option or suffix", () => {
    const declare = <const F extends Fields>(fields: F & Checked<NoInfer<F>>) => fields;
    const declared = [
      declare({ name: { type: "string", min: 1 }, id: "id|optional", rows: { type: "array", items: "id" } }),
      // @ts-expect-error the option is called `min`
      declare({ name: { type: "string", minimum: 1 } }),
      // @ts-expect-error strings have no `integer`
      declare({ name: { type: "string", integer: true } }),
      // @ts-expect-error the same, within an object within a list
      declare({ rows: { type: "array", items: { type: "object", props: { a: { type: "id", mn: 1 } } } } }),
      // @ts-expect-error the suffix is called `optional`
      declare({ count: "number|optionl" }),
      // @ts-expect-error no such kind
      declare({ count: "numbr" }),
    ];
    const example = { taskId: "66f2a1b00a1b2c3d4e5f6070" };
    const misspelt = { summary: "", params: { taskId: { type: "id", optionl: true } }, example } as const;
    // @ts-expect-error actions are checked in the same way
    assert.ok(action({ ...misspelt, returns: returns<null>() }));
    assert.equal(declared.length, 6);
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

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Context, ServiceBroker } from "moleculer";
import { checkParams } from "./contracts/action.ts";
import { actions } from "./contracts/actions.ts";
import { actionsOf, call, type Meta, someActionsOf } from "./service.ts";

const taskId = "66f2a1b00a1b2c3d4e5f6070";

describe("action contracts", () => {
  for (const [name, contract] of Object.entries(actions)) {
    it(`${name}: its example satisfies its params and survives JSON`, () => {
      checkParams(name, contract, JSON.parse(JSON.stringify(contract.example)));
    });

    it(`${name}: an undeclared param is rejected`, () => {
      const params = { ...contract.example, surprise: 1 };
      assert.throws(() => checkParams(name, contract, params), {
        type: "CONTRACT_VIOLATION",
        message: /surprise/,
      });
    });
  }

  it("become the params of a service's actions, closed for others", () => {
    const block = someActionsOf("records", { get: () => Promise.reject(new Error("not called")) });
    assert.deepEqual((block?.get as { params: object }).params, {
      $$strict: true,
      runId: "id|nullable:false",
    });
  });
});

describe("typed calls", () => {
  it("compile as the contract declares, and in no other way", () => {
    // Never run: the compiler is what is tested.
    const calls = (broker: ServiceBroker, context: Context<unknown, Meta>) => [
      call(broker, "scheduler.get", { taskId }).then((task) => task.handler.toUpperCase()),
      call(context, "executor.handlers", {}),
      // @ts-expect-error a misspelt action
      call(broker, "scheduler.gett", { taskId }),
      // @ts-expect-error a misspelt param
      call(broker, "scheduler.get", { taskid: taskId }),
      // @ts-expect-error a param of the wrong type
      call(broker, "records.list", { page: "1", limit: 10 }),
      // @ts-expect-error a missing param
      call(broker, "scheduler.delete", {}),
      // @ts-expect-error a field that the result does not have
      call(broker, "scheduler.get", { taskId }).then((task) => task.job_class),
      // @ts-expect-error a handler for an action of another service
      someActionsOf("records", { create: () => null }),
      // @ts-expect-error a handler with another result
      someActionsOf("records", { ended: () => ["66f2a1c00a1b2c3d4e5f6071"] }),
      // @ts-expect-error a service that lacks a handler for one of its actions
      actionsOf("records", { ended: () => ({ ended: [] }) }),
    ];
    assert.equal(calls.length, 2);
  });
});

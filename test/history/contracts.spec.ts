import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catalogue } from "../../shared/contracts/catalogue.ts";
import { upcasters } from "../../shared/event-store/upcast.ts";
import { type RecordedContract, recorded, recordedContracts, violations } from "./contracts.ts";

const HINT = `
A published event never changes: stores and buses hold events of it. Choose one of these:
- make a new field optional;
- declare a new event type next to the old one;
- raise the contract's version, and add an upcaster from the old version to shared/event-store/upcast.ts.`;

describe("the contracts of published events", () => {
  const declared = recorded(catalogue.contracts);

  it("are recorded at all", () => {
    assert.ok([...recordedContracts()].length > 0);
  });

  for (const { file, contracts } of recordedContracts()) {
    it(`of ${file} still hold`, () => {
      assert.deepEqual(violations(contracts, declared, upcasters), [], HINT);
    });
  }
});

describe("a change of a published event", () => {
  const before: RecordedContract = {
    version: 1,
    source: "scheduler",
    stream: "task",
    data: { taskId: "id", reason: { type: "string", max: 10 } },
  };
  const change = (more: Partial<RecordedContract>, upcasters = {}) =>
    violations({ "task.paused": before }, { "task.paused": { ...before, ...more } }, upcasters);

  it("is allowed if it adds an optional field or another event", () => {
    const data = { ...before.data, note: "string|optional", more: { type: "string", optional: true } };
    assert.deepEqual(change({ data }), []);
    const contracts = { "task.paused": before };
    assert.deepEqual(violations(contracts, { ...contracts, "task.archived": before }, {}), []);
  });

  it("is refused if it adds a required field, or changes or removes one", () => {
    assert.deepEqual(change({ data: { ...before.data, note: "string" } }), [
      "task.paused: the new field note is not optional",
    ]);
    assert.deepEqual(change({ data: { taskId: "id" } }), ["task.paused: the field reason is gone"]);
    assert.deepEqual(change({ data: { ...before.data, taskId: "string" } }), [
      'task.paused: the field taskId was "id" and is "string"',
    ]);
  });

  it("is refused if it moves the event to another stream or service, or removes it", () => {
    assert.deepEqual(change({ stream: "run" }), ["task.paused: stream was task and is run"]);
    assert.deepEqual(change({ source: "records" }), ["task.paused: source was scheduler and is records"]);
    assert.deepEqual(violations({ "task.paused": before }, {}, {}), [
      "task.paused is no longer declared, and there is no upcaster from task.paused/1",
    ]);
  });

  it("needs an upcaster with a new version", () => {
    const next = { version: 2, data: { taskId: "id" } };
    assert.deepEqual(change(next), [
      "task.paused has version 2, and there is no upcaster from task.paused/1",
    ]);
    assert.deepEqual(change(next, { "task.paused/1": () => {} }), []);
  });
});

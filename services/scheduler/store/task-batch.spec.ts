import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { task } from "../task/task.ts";
import type { Task } from "../task/task-state.ts";
import { created, due, ended, fire, taskId } from "../task/task-story.fixture.ts";
import { decideBatch, type LedgerItem } from "./task-batch.ts";

describe("a batch of commands and ends of runs", () => {
  const item = (input: LedgerItem["input"]): LedgerItem => ({
    taskId,
    input,
    keys: [taskId],
    cause: undefined,
    ref: null,
    resolve: () => {},
    reject: () => assert.fail(),
  });

  it("skips no occurrence for a run whose end is noted in the same transaction", () => {
    const busy = [created(), due(10, 20)].reduce<Task>(task.evolve, task.initialState);
    const batch = [item({ command: fire(20) }), item({ event: ended(10) })];
    const steps = decideBatch(batch, new Map([[taskId, { task: busy, version: 2 }]]), new Map());
    const decided = steps.flatMap(({ appends }) => appends.flatMap(({ events }) => events));
    assert.deepEqual(
      decided.map(({ type }) => type),
      ["task.due"],
    );
  });
});

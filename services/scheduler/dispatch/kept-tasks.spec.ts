import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { fold } from "../../../shared/event-store/decider.ts";
import { task } from "../task/task.ts";
import type { TaskFact } from "../task/task-evolution.ts";
import { at, created, due, every10s, iso, paused, runRemoved, taskId } from "../task/task-story.fixture.ts";
import { KeptTasks } from "./kept-tasks.ts";

const AHEAD_MS = 1500;

describe("kept tasks", () => {
  let inMemory: Set<string>;
  let tasks: KeptTasks;
  beforeEach(() => {
    inMemory = new Set();
    tasks = new KeptTasks({
      memory: { keep: (id) => void inMemory.add(id), release: (id) => void inMemory.delete(id) },
      aheadMs: AHEAD_MS,
    });
  });

  const update = (history: readonly TaskFact[], more: { loadedUntil?: number; isRetry?: boolean } = {}) =>
    tasks.update(
      taskId,
      { task: fold(task, history), version: 1 },
      { loadedUntil: at(60), now: at(0), ...more },
    );

  it("are dispatched ahead of the planned time", () => {
    assert.equal(update([created()]), true, "it is the first one");
    assert.equal(tasks.planned.firstAt(), at(10) - AHEAD_MS);
    assert.deepEqual([...inMemory], [taskId]);
  });

  it("are dispatched at the planned time while an earlier run is open and runs must not overlap", () => {
    update([created(), due(10, 20)]);
    assert.equal(tasks.planned.firstAt(), at(20));
    update([created(), due(10, 20), runRemoved(10)]);
    assert.equal(tasks.planned.firstAt(), at(20) - AHEAD_MS);
    update([created({ ...every10s, overlap: "allow" }), due(10, 20)]);
    assert.equal(tasks.planned.firstAt(), at(20) - AHEAD_MS);
  });

  it("without a near occurrence stay in memory until their runs have ended", () => {
    const history = [created(), due(10, 20)];
    update(history);
    assert.equal(update(history, { loadedUntil: at(15) }), false);
    assert.deepEqual([[...inMemory], tasks.planned.size], [[taskId], 0]);
    update([...history, runRemoved(10)], { loadedUntil: at(15) });
    assert.deepEqual([...inMemory], []);
  });

  it("are released when they are paused, or when their trigger has become invalid", () => {
    for (const history of [
      [created(), paused(5)],
      [created({ ...every10s, strategy: "cron", expression: "0 * * * * ?", timezone: "Mars/Olympus" })],
    ]) {
      update([created()]);
      update(history);
      assert.deepEqual([inMemory.size, tasks.planned.size], [0, 0]);
    }
  });

  it("that were dispatched in vain are retried later, not at once", () => {
    const overdue = [created(every10s, iso(-5))];
    update(overdue);
    assert.equal(tasks.planned.firstAt(), at(-5) - AHEAD_MS);
    update(overdue, { isRetry: true });
    assert.equal(tasks.planned.firstAt(), at(0) + 200);
  });

  it("are all released at the end", () => {
    update([created()]);
    tasks.releaseAll();
    assert.deepEqual([inMemory.size, tasks.planned.size], [0, 0]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type PlannedTask, PlannedTasks } from "./planned-tasks.ts";

const plannedAt = (at: number) => ({ nextRunAt: at + 1500, at });
function taken(tasks: PlannedTasks, now: number): string[] {
  const ids: string[] = [];
  for (let task = tasks.takeDue(now); task; task = tasks.takeDue(now)) ids.push(task.taskId);
  return ids;
}

describe("planned tasks", () => {
  it("are taken in order when they are due, and stay planned", () => {
    const tasks = new PlannedTasks();
    for (const [taskId, at] of [
      ["c", 30],
      ["a", 10],
      ["b", 20],
    ] as const)
      tasks.plan(taskId, plannedAt(at));
    assert.equal(tasks.firstAt(), 10);
    assert.deepEqual(taken(tasks, 9), []);
    assert.deepEqual(taken(tasks, 20), ["a", "b"]);
    assert.equal(tasks.firstAt(), 30);
    assert.deepEqual([...tasks.ids()].sort(), ["a", "b", "c"]);
    assert.equal(tasks.size, 3);
  });

  it("are moved when they are planned again", () => {
    const tasks = new PlannedTasks();
    assert.equal(tasks.plan("a", plannedAt(10)), true);
    assert.equal(tasks.plan("b", plannedAt(20)), false);
    assert.equal(tasks.plan("a", plannedAt(30)), false);
    assert.equal(tasks.get("a")?.nextRunAt, 1530);
    assert.equal(tasks.plan("a", plannedAt(5)), true, "it is the first one again");
    assert.deepEqual(taken(tasks, 100), ["a", "b"]);
  });

  it("return to the queue after they were taken, unless they were removed or planned by someone else", () => {
    const tasks = new PlannedTasks();
    tasks.plan("a", plannedAt(10));
    const task = tasks.takeDue(10) as PlannedTask;
    assert.equal(tasks.planAgain(task, 15), true);
    assert.deepEqual(taken(tasks, 15), ["a"]);
    tasks.remove("a");
    assert.equal(tasks.planAgain(task, 20), false);
    tasks.plan("a", plannedAt(40));
    assert.equal(tasks.planAgain(task, 20), false, "the task was planned after it had been removed");
    assert.deepEqual(taken(tasks, 39), []);
  });

  it("can be taken before their turn, and are not taken twice", () => {
    const tasks = new PlannedTasks();
    tasks.plan("a", plannedAt(10));
    tasks.take(tasks.get("a") as PlannedTask);
    assert.deepEqual(taken(tasks, 10), []);
    assert.equal(tasks.firstAt(), undefined);
    tasks.remove("a");
    tasks.remove("a");
    assert.equal(tasks.size, 0);
  });
});

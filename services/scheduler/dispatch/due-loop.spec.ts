import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { systemClock as clock } from "../../../shared/clock.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { objectId } from "../../../shared/ids.ts";
import { silentLog } from "../../../test/silent-log.ts";
import type { ActiveRun } from "../task/task-state.ts";
import { DueLoops, type Fired } from "./due-loop.fixture.ts";

const activeRun = (plannedAt: number): ActiveRun => ({
  runId: objectId(),
  attempt: 1,
  plannedAt,
  isRevoked: false,
});
const typesOf = (fired: readonly Fired[]) => fired.flatMap(({ events }) => events.map(({ type }) => type));

describe("the due loop", () => {
  let loops: DueLoops;
  before(async () => {
    loops = await DueLoops.start();
  });
  afterEach(() => loops.clear());
  after(() => loops?.close());

  it("fires each task once, never before its time", async () => {
    const start = clock.now();
    const dues = [120, 60, 180, 60].map((ms) => start + ms);
    const planted = new Map<string, number>();
    for (const due of dues) planted.set((await loops.plant(due))[0] as string, due);
    const { loop, fired, count } = loops.scheduler();
    await loop.start();
    await count(4);
    for (const { taskId, at } of fired) {
      const due = planted.get(taskId) as number;
      assert.ok(at >= due, `fired ${due - at} ms before its time`);
    }
    assert.equal(new Set(fired.map(({ taskId }) => taskId)).size, 4);
  });

  it("dispatches ahead of the time where told so", async () => {
    const due = clock.now() + 1100;
    await loops.plant(due);
    const { loop, fired, count } = loops.scheduler({ aheadMs: 1000 });
    await loop.start();
    await count(1);
    const aheadMs = due - (fired[0]?.at ?? 0);
    assert.ok(aheadMs <= 1000 && aheadMs > 0, `dispatched ${aheadMs} ms ahead`);
  });

  it("holds only what is due within the look-ahead, and loads the rest in time", async () => {
    const start = clock.now();
    const [soon] = await loops.plant(start + 50);
    const [later] = await loops.plant(start + 2500);
    await loops.plant(start + 3_600_000);
    const { loop, fired, held, count } = loops.scheduler({ lookAheadMs: 300 });
    await loop.start();
    assert.deepEqual([...held], [soon]);
    await count(2);
    assert.equal(fired[1]?.taskId, later);
    assert.ok((fired[1]?.at ?? 0) >= start + 2500);
  });

  it("holds a task that fired until its run has ended, so that the end finds it in memory", async () => {
    await loops.plant(clock.now() - 10);
    const { loop, commandHandler, fired, held, count } = loops.scheduler();
    await loop.start();
    await count(1);
    const [{ taskId, events }] = fired as [Fired];
    const [due] = events as [Extract<TaskEvent, { type: "task.due" }>];
    const { runId, attempt, plannedAt } = due.data;
    assert.deepEqual([...held], [taskId]);
    const run = { runId, attempt, plannedAt: Date.parse(plannedAt), isRevoked: false };
    await commandHandler.endRun({ taskId, runId: run.runId });
    assert.deepEqual([...held], []);
  });

  it("fires a task that is created while the next ones are being read", async () => {
    const created = objectId();
    let isCreated = false;
    const { loop, fired, count } = loops.scheduler({
      async onPage(commandHandler) {
        if (isCreated) return;
        isCreated = true;
        const definition = { ...exampleDefinition, expression: "1 * * * *" };
        const now = clock.now() - 900;
        await commandHandler.handle({ type: "create", taskId: created, definition, isActive: true, now });
      },
    });
    await loop.start();
    await count(1);
    assert.equal(fired[0]?.taskId, created);
  });

  it("knows of a run that ends while the next tasks are being read", async () => {
    const start = clock.now();
    const run = activeRun(start - 1000);
    const [taskId = ""] = await loops.plant(start + 150, { running: [run] });
    let isEnded = false;
    const { loop, fired, count } = loops.scheduler({
      async onPage(commandHandler) {
        if (!isEnded) await commandHandler.endRun({ taskId, runId: run.runId });
        isEnded = true;
      },
    });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
  });

  it("fires all tasks of one instant once, also where they are more than it reads in one go", async () => {
    const due = clock.now() + 300;
    const taskIds = await loops.plant(due, { count: 540 });
    const { loop, fired, count } = loops.scheduler({ pageSize: 100 });
    await loop.start();
    await count(taskIds.length);
    assert.equal(fired.length, taskIds.length);
    assert.equal(new Set(fired.map(({ taskId }) => taskId)).size, taskIds.length);
    assert.ok(fired.every(({ at }) => at >= due));
  });

  it("dispatches the others where the trigger of one task is no longer valid, and logs that one", async () => {
    const due = clock.now() + 100;
    const [bad = "", good] = [...(await loops.plant(due)), ...(await loops.plant(due))];
    await loops.documents.updateOne({ _id: new ObjectId(bad) }, { $set: { timezone: "Mars/Olympus" } });
    const named: object[] = [];
    const log = { ...silentLog, error: (fields: object) => void named.push(fields) };
    const { loop, fired, count } = loops.scheduler({ log });
    await loop.start();
    await count(1);
    assert.equal(fired[0]?.taskId, good);
    assert.partialDeepStrictEqual(named, [{ taskId: bad }]);
  });

  it("where runs must not overlap, waits for the end of the earlier run", async () => {
    const start = clock.now();
    const run = activeRun(start - 1000);
    const [taskId = ""] = await loops.plant(start + 900, { running: [run] });
    const { loop, commandHandler, fired, count } = loops.scheduler({ aheadMs: 900 });
    await loop.start();
    assert.equal(fired.length, 0);
    await commandHandler.endRun({ taskId, runId: run.runId });
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
    assert.ok((fired[0]?.at ?? 0) < start + 900, "dispatched as soon as nothing speaks against it");
  });

  it("knows of a run that ends while its task is looked at in vain, in one transaction", async () => {
    const due = clock.now() + 300;
    const run = activeRun(due - 3_600_000);
    const [taskId = ""] = await loops.plant(due, { running: [run] });
    const { loop, commandHandler, fired, count } = loops.scheduler({ aheadMs: 500 });
    await loop.start();
    loop.ended(taskId);
    await commandHandler.endRun({ taskId, runId: run.runId });
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
    assert.equal((await loops.documents.findOne({ _id: new ObjectId(taskId) }))?.running.length, 1);
  });

  it("where runs must not overlap, skips the occurrence at its own time at last", async () => {
    const due = clock.now() + 150;
    await loops.plant(due, { running: [activeRun(due - 1000)] });
    const { loop, fired, count } = loops.scheduler({ aheadMs: 150 });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.skipped"]);
    assert.ok((fired[0]?.at ?? 0) >= due);
  });

  it("asks for the ends of runs on the books before it fires their tasks", async () => {
    const due = clock.now() - 10;
    const run = activeRun(due - 1000);
    const [taskId = ""] = await loops.plant(due, { running: [run] });
    const { loop, commandHandler, fired, count } = loops.scheduler({
      onLoaded: async (tasks) => {
        assert.deepEqual(
          tasks.map((task) => task.taskId),
          [taskId],
        );
        await commandHandler.endRun({ taskId, runId: run.runId });
      },
    });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
  });

  it("fires nothing while the bus takes no more events, and everything once it does", async () => {
    await loops.plant(clock.now() - 10, { count: 3 });
    let asked = 0;
    const { loop, fired, count } = loops.scheduler({
      hasRoom() {
        asked += 1;
        if (asked === 3) assert.deepEqual(fired, []);
        return asked >= 3;
      },
    });
    await loop.start();
    await count(3);
    assert.deepEqual(typesOf(fired), ["task.due", "task.due", "task.due"]);
  });

  it("fires nothing more once it was stopped, and goes on where it is started again", async () => {
    const due = clock.now() + 100;
    await loops.plant(due);
    const { loop, fired, held, count } = loops.scheduler();
    await loop.start();
    await loop.stop();
    assert.equal(held.size, 0);
    const other = loops.scheduler();
    await other.loop.start();
    await other.count(1);
    assert.deepEqual(fired, []);
    await loops.plant(clock.now() + 50);
    await loop.start();
    await count(1);
  });
});

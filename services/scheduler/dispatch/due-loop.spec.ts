import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { systemClock as clock } from "../../../shared/clock.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { objectId } from "../../../shared/ids.ts";
import { silentLog } from "../../../test/silent-log.ts";
import type { OpenRun } from "../task/task-state.ts";
import { type Dispatched, DueLoops } from "./due-loop.fixture.ts";

const openRun = (plannedAt: number): OpenRun => ({
  runId: objectId(),
  attempt: 1,
  plannedAt,
  isRevoked: false,
});
const typesOf = (dispatched: readonly Dispatched[]) =>
  dispatched.flatMap(({ events }) => events.map(({ type }) => type));

describe("the due loop", () => {
  let loops: DueLoops;
  before(async () => {
    loops = await DueLoops.start();
  });
  afterEach(() => loops.clear());
  after(() => loops?.close());

  it("dispatches each task once, never before its planned time", async () => {
    const start = clock.now();
    const dues = [120, 60, 180, 60].map((ms) => start + ms);
    const dueAt = new Map<string, number>();
    for (const due of dues) dueAt.set((await loops.store(due))[0] as string, due);
    const { loop, dispatched, count } = loops.scheduler();
    await loop.start();
    await count(4);
    for (const { taskId, at } of dispatched) {
      const due = dueAt.get(taskId) as number;
      assert.ok(at >= due, `dispatched ${due - at} ms early`);
    }
    assert.equal(new Set(dispatched.map(({ taskId }) => taskId)).size, 4);
  });

  it("dispatches ahead of the planned time if it is configured to", async () => {
    const due = clock.now() + 1100;
    await loops.store(due);
    const { loop, dispatched, count } = loops.scheduler({ aheadMs: 1000 });
    await loop.start();
    await count(1);
    const aheadMs = due - (dispatched[0]?.at ?? 0);
    assert.ok(aheadMs <= 1000 && aheadMs > 0, `dispatched ${aheadMs} ms ahead`);
  });

  it("keeps only tasks that are due within the look-ahead, and loads the others in time", async () => {
    const start = clock.now();
    const [soon] = await loops.store(start + 50);
    const [later] = await loops.store(start + 2500);
    await loops.store(start + 3_600_000);
    const { loop, dispatched, inMemory, count } = loops.scheduler({ lookAheadMs: 300 });
    await loop.start();
    assert.deepEqual([...inMemory], [soon]);
    await count(2);
    assert.equal(dispatched[1]?.taskId, later);
    assert.ok((dispatched[1]?.at ?? 0) >= start + 2500);
  });

  it("keeps a dispatched task in memory until its run has ended", async () => {
    await loops.store(clock.now() - 10);
    const { loop, commandHandler, dispatched, inMemory, count } = loops.scheduler();
    await loop.start();
    await count(1);
    const [{ taskId, events }] = dispatched as [Dispatched];
    const [due] = events as [Extract<TaskEvent, { type: "task.due" }>];
    const { runId } = due.data;
    assert.deepEqual([...inMemory], [taskId]);
    await commandHandler.endRun({ taskId, runId });
    assert.deepEqual([...inMemory], []);
  });

  it("dispatches a task that is created while a page is being loaded", async () => {
    const created = objectId();
    let isCreated = false;
    const { loop, dispatched, count } = loops.scheduler({
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
    assert.equal(dispatched[0]?.taskId, created);
  });

  it("respects the end of a run that arrives while a page is being loaded", async () => {
    const start = clock.now();
    const run = openRun(start - 1000);
    const [taskId = ""] = await loops.store(start + 150, { openRuns: [run] });
    let isEnded = false;
    const { loop, dispatched, count } = loops.scheduler({
      async onPage(commandHandler) {
        if (!isEnded) await commandHandler.endRun({ taskId, runId: run.runId });
        isEnded = true;
      },
    });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(dispatched), ["task.due"]);
  });

  it("dispatches all tasks of one instant once, even if they do not fit one page", async () => {
    const due = clock.now() + 300;
    const taskIds = await loops.store(due, { count: 540 });
    const { loop, dispatched, count } = loops.scheduler({ pageSize: 100 });
    await loop.start();
    await count(taskIds.length);
    assert.equal(dispatched.length, taskIds.length);
    assert.equal(new Set(dispatched.map(({ taskId }) => taskId)).size, taskIds.length);
    assert.ok(dispatched.every(({ at }) => at >= due));
  });

  it("logs a task whose trigger has become invalid, and dispatches the others", async () => {
    const due = clock.now() + 100;
    const [bad = "", good] = [...(await loops.store(due)), ...(await loops.store(due))];
    await loops.documents.updateOne({ _id: new ObjectId(bad) }, { $set: { timezone: "Mars/Olympus" } });
    const named: object[] = [];
    const log = { ...silentLog, error: (fields: object) => void named.push(fields) };
    const { loop, dispatched, count } = loops.scheduler({ log });
    await loop.start();
    await count(1);
    assert.equal(dispatched[0]?.taskId, good);
    assert.partialDeepStrictEqual(named, [{ taskId: bad }]);
  });

  it("waits for the end of the earlier run if runs must not overlap", async () => {
    const start = clock.now();
    const run = openRun(start - 1000);
    const [taskId = ""] = await loops.store(start + 900, { openRuns: [run] });
    const { loop, commandHandler, dispatched, count } = loops.scheduler({ aheadMs: 900 });
    await loop.start();
    assert.equal(dispatched.length, 0);
    await commandHandler.endRun({ taskId, runId: run.runId });
    await count(1);
    assert.deepEqual(typesOf(dispatched), ["task.due"]);
    assert.ok((dispatched[0]?.at ?? 0) < start + 900, "dispatched when the earlier run had ended");
  });

  it("closes a run and dispatches the next occurrence in one transaction", async () => {
    const due = clock.now() + 300;
    const run = openRun(due - 3_600_000);
    const [taskId = ""] = await loops.store(due, { openRuns: [run] });
    const { loop, commandHandler, dispatched, count } = loops.scheduler({ aheadMs: 500 });
    await loop.start();
    loop.runEnded(taskId);
    await commandHandler.endRun({ taskId, runId: run.runId });
    await count(1);
    assert.deepEqual(typesOf(dispatched), ["task.due"]);
    assert.equal((await loops.documents.findOne({ _id: new ObjectId(taskId) }))?.running.length, 1);
  });

  it("skips the occurrence at its planned time if runs must not overlap", async () => {
    const due = clock.now() + 150;
    await loops.store(due, { openRuns: [openRun(due - 1000)] });
    const { loop, dispatched, count } = loops.scheduler({ aheadMs: 150 });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(dispatched), ["task.skipped"]);
    assert.ok((dispatched[0]?.at ?? 0) >= due);
  });

  it("looks for ended runs of loaded tasks before it dispatches them", async () => {
    const due = clock.now() - 10;
    const run = openRun(due - 1000);
    const [taskId = ""] = await loops.store(due, { openRuns: [run] });
    const { loop, commandHandler, dispatched, count } = loops.scheduler({
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
    assert.deepEqual(typesOf(dispatched), ["task.due"]);
  });

  it("dispatches nothing while the outbox is full, and everything once it has room", async () => {
    await loops.store(clock.now() - 10, { count: 3 });
    let calls = 0;
    const { loop, dispatched, count } = loops.scheduler({
      hasRoom() {
        calls += 1;
        if (calls === 3) assert.deepEqual(dispatched, []);
        return calls >= 3;
      },
    });
    await loop.start();
    await count(3);
    assert.deepEqual(typesOf(dispatched), ["task.due", "task.due", "task.due"]);
  });

  it("dispatches nothing after it was stopped, and continues when it is started again", async () => {
    const due = clock.now() + 100;
    await loops.store(due);
    const { loop, dispatched, inMemory, count } = loops.scheduler();
    await loop.start();
    await loop.stop();
    assert.equal(inMemory.size, 0);
    const other = loops.scheduler();
    await other.loop.start();
    await other.count(1);
    assert.deepEqual(dispatched, []);
    await loops.store(clock.now() + 50);
    await loop.start();
    await count(1);
  });
});

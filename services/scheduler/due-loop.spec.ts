import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { type Collection, ObjectId } from "mongodb";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { systemClock as clock } from "../../shared/clock.ts";
import type { RunEnded } from "../../shared/contracts/run-events.ts";
import { exampleDefinition } from "../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { objectId } from "../../shared/ids.ts";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { type Definition, triggerOf } from "./definition.ts";
import { createDueLoop, type DueLoop, type DueLoopOptions } from "./due-loop.ts";
import { mongoTasks, type TaskStore } from "./mongo-tasks.ts";
import { type TaskDocument, toDocument } from "./task-document.ts";
import { createTaskLedger, type TaskLedger } from "./task-ledger.ts";
import type { ActiveRun, DefinedTask } from "./task-state.ts";

interface Fired {
  readonly taskId: string;
  /** When the loop asked for it. */
  readonly at: number;
  readonly events: readonly TaskEvent[];
}

const hourly: Definition = { ...exampleDefinition, expression: "* * 1 * *" };

describe("the due loop", () => {
  let mongo: TestMongo;
  let events: OpenEventStore;
  let documents: Collection<TaskDocument>;
  const loops: DueLoop[] = [];
  before(async () => {
    mongo = await startTestMongo();
    await ensureIndexes(mongo.db, ["events", "scheduler_task_list"]);
    const config = { mongoUrl: mongo.url, mongoDatabase: "kinit", natsUrl: "" };
    const bus = { send: async () => {} };
    events = await openEventStore({ config, service: "scheduler", bus, clock, log: silentLog });
    await events.outbox.start();
    documents = events.db.collection("scheduler_task_list");
  });
  afterEach(async () => {
    await Promise.all(loops.splice(0).map((loop) => loop.stop()));
    await documents.deleteMany({});
  });
  after(async () => {
    await events?.close();
    await mongo?.close();
  });

  interface Options extends Partial<DueLoopOptions> {
    /** Called when a page has been read and before the loop has it. */
    readonly onPage?: (ledger: TaskLedger) => Promise<void>;
  }
  /** A loop on a ledger of its own, with all that it fires and holds. */
  function scheduler({ onPage, ...options }: Options = {}) {
    const fired: Fired[] = [];
    const held = new Set<string>();
    const tasks = mongoTasks(documents);
    const ledger = createTaskLedger({
      store: events.store,
      tasks,
      maxBatch: 500,
      onMoved: (taskId, state) => loop.moved(taskId, state),
    });
    const dueAfter: TaskStore["dueAfter"] = async (...query) => {
      const page = await tasks.dueAfter(...query);
      await onPage?.(ledger);
      return page;
    };
    const watched: DueLoopOptions["ledger"] = {
      async handle(command) {
        const at = clock.now();
        const handled = await ledger.handle(command);
        if (handled.events.length > 0) fired.push({ taskId: command.taskId, at, events: handled.events });
        return handled;
      },
      remember(taskId, state) {
        held.add(taskId);
        ledger.remember(taskId, state);
      },
      forget(taskId) {
        held.delete(taskId);
        ledger.forget(taskId);
      },
    };
    const loop = createDueLoop({
      tasks: { dueAfter },
      ledger: watched,
      clock,
      log: silentLog,
      lookAheadMs: 1000,
      aheadMs: 0,
      onLoaded: async () => {},
      ...options,
    });
    loops.push(loop);
    const count = (wanted: number) => eventually(() => fired.length >= wanted);
    return { loop, ledger, fired, held, count };
  }

  interface Planted {
    readonly definition?: Definition;
    readonly running?: readonly ActiveRun[];
  }
  /** Tasks that are due at an instant, as they stand in the store. */
  async function plant(nextRunAt: number, { definition = hourly, running = [] }: Planted = {}, count = 1) {
    const made = Array.from(
      { length: count },
      (): DefinedTask => ({
        status: "active",
        taskId: objectId(),
        definition,
        trigger: triggerOf(definition, nextRunAt - 3_600_000),
        anchorAt: nextRunAt - 3_600_000,
        createdAt: nextRunAt - 3_600_000,
        updatedAt: nextRunAt - 3_600_000,
        lastRunAt: null,
        nextRunAt,
        running,
      }),
    );
    await documents.insertMany(made.map((task) => toDocument(task, 1)));
    return made.map(({ taskId }) => taskId);
  }
  const activeRun = (plannedAt: number): ActiveRun => ({
    runId: objectId(),
    attempt: 1,
    plannedAt,
    isRevoked: false,
  });
  const endOf = (taskId: string, { runId, plannedAt }: ActiveRun): RunEnded => {
    const at = new Date(plannedAt).toISOString();
    return {
      type: "run.lost",
      data: { taskId, runId, attempt: 1, plannedAt: at, lostAt: at, reason: "tested" },
    };
  };
  const typesOf = (fired: readonly Fired[]) =>
    fired.flatMap(({ events: all }) => all.map(({ type }) => type));

  it("fires each task at its time: never before, and not noticeably after", async () => {
    const start = clock.now();
    const dues = [120, 60, 180, 60].map((ms) => start + ms);
    const planted = new Map<string, number>();
    for (const due of dues) planted.set((await plant(due))[0] as string, due);
    const { loop, fired, count } = scheduler();
    await loop.start();
    await count(4);
    for (const { taskId, at } of fired) {
      const lateMs = at - (planted.get(taskId) as number);
      assert.ok(lateMs >= 0 && lateMs < 250, `fired ${lateMs} ms after its time`);
    }
    assert.equal(new Set(fired.map(({ taskId }) => taskId)).size, 4);
  });

  it("dispatches ahead of the time where told so", async () => {
    const due = clock.now() + 400;
    await plant(due);
    const { loop, fired, count } = scheduler({ aheadMs: 300 });
    await loop.start();
    await count(1);
    const aheadMs = due - (fired[0]?.at ?? 0);
    assert.ok(aheadMs <= 300 && aheadMs > 100, `dispatched ${aheadMs} ms ahead`);
  });

  it("holds only what is due within the look-ahead, and loads the rest in time", async () => {
    const start = clock.now();
    const [soon] = await plant(start + 50);
    const [later] = await plant(start + 700);
    await plant(start + 3_600_000);
    const { loop, fired, held, count } = scheduler({ lookAheadMs: 300 });
    await loop.start();
    assert.deepEqual([...held], [soon]);
    await count(2);
    assert.equal(fired[1]?.taskId, later);
    const lateMs = (fired[1]?.at ?? 0) - (start + 700);
    assert.ok(lateMs >= 0 && lateMs < 250, `fired ${lateMs} ms after its time`);
    await eventually(() => held.size === 0);
  });

  it("fires a task that is created while the next ones are being read", async () => {
    const created = objectId();
    let isCreated = false;
    const { loop, fired, count } = scheduler({
      async onPage(ledger) {
        if (isCreated) return;
        isCreated = true;
        const definition = { ...exampleDefinition, expression: "1 * * * *" };
        const now = clock.now() - 900;
        await ledger.handle({ type: "create", taskId: created, definition, isActive: true, now });
      },
    });
    await loop.start();
    await count(1);
    assert.equal(fired[0]?.taskId, created);
  });

  it("knows of a run that ends while the next tasks are being read", async () => {
    const start = clock.now();
    const run = activeRun(start - 1000);
    const [taskId = ""] = await plant(start + 150, { running: [run] });
    let isEnded = false;
    const { loop, fired, count } = scheduler({
      async onPage(ledger) {
        if (!isEnded) await ledger.observe(endOf(taskId, run));
        isEnded = true;
      },
    });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
  });

  it("fires all tasks of one instant once, also where they are more than it reads in one go", async () => {
    const due = clock.now() + 300;
    const taskIds = await plant(due, {}, 5400);
    const { loop, fired, count } = scheduler();
    await loop.start();
    await count(taskIds.length);
    assert.equal(fired.length, taskIds.length);
    assert.equal(new Set(fired.map(({ taskId }) => taskId)).size, taskIds.length);
    assert.ok(fired.every(({ at }) => at >= due));
  });

  it("fires the others where a task cannot be read any more, and names that one", async () => {
    const due = clock.now() + 100;
    const [bad = "", good] = [...(await plant(due)), ...(await plant(due))];
    await documents.updateOne({ _id: new ObjectId(bad) }, { $set: { timezone: "Mars/Olympus" } });
    const named: object[] = [];
    const log = { ...silentLog, error: (fields: object) => void named.push(fields) };
    const { loop, fired, count } = scheduler({ log });
    await loop.start();
    await count(1);
    assert.equal(fired[0]?.taskId, good);
    assert.partialDeepStrictEqual(named, [{ taskId: bad }]);
  });

  it("where runs must not overlap, waits for the end of the earlier run", async () => {
    const start = clock.now();
    const run = activeRun(start - 1000);
    const [taskId = ""] = await plant(start + 900, { running: [run] });
    const { loop, ledger, fired, count } = scheduler({ aheadMs: 900 });
    await loop.start();
    assert.equal(fired.length, 0);
    await ledger.observe(endOf(taskId, run));
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
    assert.ok((fired[0]?.at ?? 0) < start + 900, "dispatched as soon as nothing speaks against it");
  });

  it("where runs must not overlap, skips the occurrence at its own time at last", async () => {
    const due = clock.now() + 150;
    await plant(due, { running: [activeRun(due - 1000)] });
    const { loop, fired, count } = scheduler({ aheadMs: 150 });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.skipped"]);
    assert.ok((fired[0]?.at ?? 0) >= due);
  });

  it("asks for the ends of runs on the books before it fires their tasks", async () => {
    const due = clock.now() - 10;
    const run = activeRun(due - 1000);
    const [taskId = ""] = await plant(due, { running: [run] });
    const { loop, ledger, fired, count } = scheduler({
      onLoaded: async (tasks) => {
        assert.deepEqual(
          tasks.map((task) => task.taskId),
          [taskId],
        );
        await ledger.observe(endOf(taskId, run));
      },
    });
    await loop.start();
    await count(1);
    assert.deepEqual(typesOf(fired), ["task.due"]);
  });

  it("fires nothing more once it was stopped, and goes on where it is started again", async () => {
    const due = clock.now() + 100;
    await plant(due);
    const { loop, fired, held, count } = scheduler();
    await loop.start();
    await loop.stop();
    assert.equal(held.size, 0);
    const other = scheduler();
    await other.loop.start();
    await other.count(1);
    assert.deepEqual(fired, []);
    await plant(clock.now() + 50);
    await loop.start();
    await count(1);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { systemClock } from "../../shared/clock.ts";
import { type EventDocument, toEventDocument } from "../../shared/event-store/event-document.ts";
import { objectId } from "../../shared/ids.ts";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { type Platform, startPlatform } from "../../test/platform.ts";
import { defineHandler } from "../executor/handler/define-handler.ts";
import { exampleRun } from "./record/run-events.fixture.ts";
import { recordsService } from "./records.service.ts";

const greet = defineHandler({
  name: "test.greet",
  title: "Greets, or fails",
  params: { fails: "boolean|optional" },
  run({ fails }, { log }) {
    log.info("hello");
    if (fails) throw new RangeError("no greeting is left");
    return { greeting: "hello" };
  },
});
const task = { name: "greeter", handler: "test.greet", params: {} };

describe("the records service", { concurrency: 4 }, () => {
  let mongo: TestMongo;
  let platform: Platform;
  before(async () => {
    mongo = await startTestMongo();
    platform = await startPlatform({
      mongo,
      handlers: [greet],
      settings: { RECORDS_MAX_AGE_MS: "86400000" },
    });
  });
  after(async () => {
    await platform?.stop();
    await mongo?.close();
  });

  const stored = () => platform.db.collection("scheduler_task_record");
  const runOnce = async (more: object = {}) => {
    const taskId = await platform.create({ ...task, ...more, isActive: false });
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    await platform.recordsWhen(taskId, ([record]) => Boolean(record?.endedAt));
    return { taskId, runId };
  };

  it("shows a run with its definition, outcome, timing and log", async () => {
    const { taskId, runId } = await runOnce();
    const record = await platform.call("records.get", { runId });
    assert.partialDeepStrictEqual(record, {
      id: runId,
      taskId,
      status: "succeeded",
      name: "greeter",
      handler: "test.greet",
      result: { greeting: "hello" },
      error: null,
      skip: null,
    });
    assert.deepEqual(
      [record.log.map(({ message }) => message), record.attempts.map(({ outcome }) => outcome)],
      [["hello"], ["succeeded"]],
    );
    const tookMs = Date.parse(record.endedAt ?? "") - Date.parse(record.plannedAt);
    assert.equal(record.processTime, tookMs / 1000);
  });

  it("shows why a run failed", async () => {
    const { runId } = await runOnce({ params: { fails: true } });
    const { status, error } = await platform.call("records.get", { runId });
    assert.equal(status, "failed");
    assert.equal(error?.message, "no greeting is left");
    assert.match(error?.stack ?? "", /RangeError/);
  });

  it("shows a run that is dispatched and not recorded yet, as it will be recorded", async () => {
    const run = exampleRun();
    const due = run.due();
    await platform.db.collection<EventDocument>("events").insertOne(toEventDocument(due, 1, "scheduler-x"));
    const early = await platform.call("records.get", { runId: run.runId });
    assert.deepEqual([early.status, early.taskId, early.handler], ["queued", run.taskId, "test.main.Test"]);
    await platform.broker.bus.send(due, { resent: true });
    assert.deepEqual(await platform.call("records.get", { runId: run.runId }), early);
    assert.equal(await stored().countDocuments({ task_id: run.taskId }), 1);
  });

  it("rejects the id of an unknown run", async () => {
    const unknown = platform.call("records.get", { runId: objectId() });
    await assert.rejects(unknown, { type: "RECORD_NOT_FOUND", code: 404 });
  });

  it("pages through the records of one task, and counts them alone", async () => {
    const { taskId } = await runOnce();
    for (let n = 2; n <= 3; n++) {
      await platform.call("scheduler.runNow", { taskId });
      await platform.recordsWhen(taskId, (records) => records.filter(({ endedAt }) => endedAt).length === n);
    }
    await runOnce();
    const all = await platform.records(taskId);
    const query = { page: 2, limit: 2, taskId, orderField: "plannedAt", order: "desc" } as const;
    const { items, total } = await platform.call("records.list", query);
    assert.deepEqual([items.map(({ id }) => id), total], [[all[0]?.id], 3]);
  });

  it("returns which runs have ended", async () => {
    const { taskId, runId } = await runOnce();
    const open = exampleRun();
    await platform.broker.bus.send(open.started());
    const plannedAt = new Date().toISOString();
    const runs = [runId, open.runId, objectId()].map((id) => ({ taskId, runId: id, plannedAt }));
    assert.deepEqual((await platform.call("records.ended", { runs })).ended, [runId]);
  });

  it("considers a run purged once its dispatch is deleted, however long it was not recorded", async () => {
    const [waiting, purged] = [exampleRun({ plannedAt: 0 }), exampleRun({ plannedAt: 0 })];
    const order = toEventDocument(waiting.due(), 1, "scheduler-x");
    await platform.db.collection<EventDocument>("events").insertOne(order);
    const plannedAt = new Date(0).toISOString();
    const runs = [waiting, purged].map(({ taskId, runId }) => ({ taskId, runId, plannedAt }));
    assert.deepEqual((await platform.call("records.ended", { runs })).ended, [purged.runId]);
  });

  it("retries an event that cannot be recorded, and meanwhile records the others of its batch", async () => {
    const [bad, good] = [exampleRun(), exampleRun()];
    // A record of this run stands already and is none that can be read.
    const damaged = { _id: new ObjectId(bad.runId), task_id: bad.taskId, retval: "{" };
    await stored().insertOne(damaged);
    const sent = platform.broker.bus.send(bad.succeeded());
    await platform.broker.bus.send(good.succeeded());
    assert.equal((await platform.call("records.get", { runId: good.runId })).status, "succeeded");
    await stored().deleteOne({ _id: damaged._id });
    await sent;
    assert.equal((await platform.call("records.get", { runId: bad.runId })).status, "succeeded");
  });
});

describe("the records service at its ends", { concurrency: 2 }, () => {
  let mongo: TestMongo;
  before(async () => {
    mongo = await startTestMongo();
  });
  after(() => mongo?.close());

  it("declares a run lost that no executor has, and the scheduler no longer tracks it", async () => {
    const settings = { RUN_LOST_MS: "1000" };
    const platform = await startPlatform({ mongo, handlers: [greet], settings });
    try {
      const taskId = await platform.create({ ...task, timeoutMs: 1, isActive: false });
      await platform.broker.destroyService("executor");
      const executor = { name: "executor", actions: { validate: () => null } };
      await platform.broker.waitForServices([platform.broker.createService(executor).name]);
      await platform.call("scheduler.runNow", { taskId });
      const running = async () => (await platform.db.collection("scheduler_task_list").findOne({}))?.running;
      assert.equal((await running()).length, 1);
      const [record] = await platform.recordsWhen(taskId, ([run]) => run?.status === "lost");
      assert.equal(record?.error?.type, "RUN_LOST");
      await eventually(async () => (await running()).length === 0);
    } finally {
      await platform.stop();
    }
  });

  it("loses no event that is on its way when it stops", async () => {
    const platform = await startPlatform({ mongo, handlers: [greet] });
    try {
      const taskId = await platform.create(task);
      const tasks = platform.db.collection("scheduler_task_list");
      await eventually(async () => ((await tasks.findOne({}))?.running.length ?? 0) > 0);
      await platform.broker.destroyService("records");
      await eventually(async () => (await tasks.findOne({}))?.last_run_datetime < new Date());
      await platform.call("scheduler.pause", { taskId });
      platform.broker.createService(recordsService({ config: platform.config, clock: systemClock }));
      await platform.broker.waitForServices("records");
      const [first] = await platform.recordsWhen(taskId, ([record]) => Boolean(record?.endedAt));
      assert.deepEqual([first?.status, first?.name], ["succeeded", "greeter"]);
    } finally {
      await platform.stop();
    }
  });
});

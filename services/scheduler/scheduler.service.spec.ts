import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { objectId } from "../../shared/ids.ts";
import { thisProcess } from "../../shared/process-identity.ts";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { everySecond, type Platform, startPlatform } from "../../test/platform.ts";
import { defineHandler } from "../executor/handler/define-handler.ts";

const started: { readonly name: string; readonly at: number; readonly plannedAt: number }[] = [];
const startsOf = (name: string) => started.filter((run) => run.name === name);
const releases = new Map<string, () => void>();

/** Reports that it has started. With `hold` it does not end until it is released. */
const report = defineHandler({
  name: "test.report",
  title: "Reports that it has started",
  params: { name: "string", hold: "boolean|optional" },
  async run({ name, hold }, { plannedAt }) {
    started.push({ name, at: Date.now(), plannedAt: Date.parse(plannedAt) });
    if (hold) await new Promise<void>((resolve) => releases.set(name, resolve));
  },
});

describe("the scheduler service", { concurrency: 8 }, () => {
  let mongo: TestMongo;
  let platform: Platform;
  let names = 0;
  before(async () => {
    mongo = await startTestMongo();
    // Enough time for a test to act between the dispatch and the planned time, also on a busy machine.
    platform = await startPlatform({ mongo, handlers: [report], settings: { DISPATCH_AHEAD_MS: "12000" } });
  });
  after(async () => {
    for (const release of releases.values()) release();
    await platform?.stop();
    await mongo?.close();
  });

  const reporting = (more: object = {}) => {
    const name = `n${names++}`;
    return { name, task: { name, handler: "test.report", params: { name, ...more } } };
  };
  /** A task that is due in ten seconds. Its run is dispatched already. */
  async function dispatched() {
    const { name, task } = reporting();
    const taskId = await platform.create({ ...task, expression: "10 * * * *" });
    const tasks = platform.db.collection("scheduler_task_list");
    await eventually(async () => ((await tasks.findOne({ name }))?.running.length ?? 0) > 0);
    assert.equal(startsOf(name).length, 0, "it is dispatched ahead of its time");
    return { name, task, taskId };
  }
  const revoked = [["cancelled", "RUN_CANCELLED", 0]];
  const outcomes = async (taskId: string) =>
    (
      await platform.recordsWhen(taskId, ([first]) => first?.endedAt !== undefined && first.endedAt !== null)
    ).map(({ status, error, attempts }) => [status, error?.type, attempts.length]);

  it("creates, shows and lists tasks", async () => {
    const { name, task } = reporting();
    const id = await platform.create({ ...task, expression: "* * 1 * *", remark: "hourly" });
    const view = await platform.call("scheduler.get", { taskId: id });
    assert.partialDeepStrictEqual(view, {
      id,
      name,
      handler: "test.report",
      remark: "hourly",
      isActive: true,
      status: "active",
      timezone: "Asia/Shanghai",
      overlap: "skip",
      lastRunAt: null,
    });
    assert.equal(Date.parse(view.nextRunAt ?? "") - Date.parse(view.createdAt), 3_600_000);
    const { items } = await platform.call("scheduler.list", { page: 1, limit: 0 });
    assert.deepEqual(
      items.find((item) => item.id === id),
      view,
    );
  });

  it("pages through tasks in the requested order", async () => {
    // Before the names of all others.
    const names = ["a1", "a2", "a3"];
    for (const name of names) await platform.create({ ...reporting().task, name, isActive: false });
    const page = async (number: number) => {
      const query = { page: number, limit: 2, orderField: "name", order: "asc" } as const;
      return (await platform.call("scheduler.list", query)).items.map(({ name }) => name);
    };
    assert.deepEqual([...(await page(1)), ...(await page(2))].slice(0, 3), names);
  });

  it("rejects an invalid definition with the cause, and stores nothing", async () => {
    const { name, task } = reporting();
    const faulty = [
      [{ ...task, expression: "x" }, "TRIGGER_INVALID"],
      [{ ...task, handler: "test.unknown" }, "HANDLER_UNKNOWN"],
      [{ ...task, params: {} }, "HANDLER_PARAMS_INVALID"],
      [{ ...task, timezone: "Mars/Olympus" }, "TRIGGER_INVALID"],
      [{ ...task, params: { name: "n".repeat(300_000) } }, "TASK_PARAMS_TOO_LARGE"],
    ] as const;
    for (const [definition, type] of faulty) await assert.rejects(platform.create(definition), { type });
    assert.equal(await platform.db.collection("scheduler_task_list").countDocuments({ name }), 0);
  });

  it("rejects calls for an unknown task", async () => {
    const taskId = objectId();
    const { task } = reporting();
    const change = { ...everySecond, ...task };
    const calls = [
      platform.call("scheduler.get", { taskId }),
      platform.call("scheduler.pause", { taskId }),
      platform.call("scheduler.resume", { taskId }),
      platform.call("scheduler.delete", { taskId }),
      platform.call("scheduler.runNow", { taskId }),
      platform.call("scheduler.change", { taskId, ...change }),
    ];
    await Promise.all(calls.map((call) => assert.rejects(call, { type: "TASK_NOT_FOUND", code: 404 })));
  });

  it("runs a task at its planned times, never earlier", async () => {
    const { name, task } = reporting();
    const taskId = await platform.create(task);
    await eventually(() => startsOf(name).length >= 2);
    await platform.call("scheduler.pause", { taskId });
    for (const { at, plannedAt } of startsOf(name)) {
      assert.ok(at >= plannedAt, `started ${plannedAt - at} ms before its time`);
    }
  });

  it("pausing a task cancels a dispatched run that has not started", async () => {
    const { name, taskId } = await dispatched();
    assert.deepEqual(await platform.call("scheduler.pause", { taskId }), { changed: true });
    assert.deepEqual(await platform.call("scheduler.pause", { taskId }), { changed: false });
    assert.deepEqual(await outcomes(taskId), revoked);
    const [record] = await platform.records(taskId);
    await eventually(() => Date.now() > Date.parse(record?.plannedAt ?? "") + 100);
    assert.deepEqual(startsOf(name), []);
    assert.equal((await platform.call("scheduler.get", { taskId })).nextRunAt, null);
  });

  it("deleting a task cancels a dispatched run that has not started", async () => {
    const { name, taskId } = await dispatched();
    await assert.rejects(platform.call("scheduler.delete", { taskId }), { type: "TASK_ACTIVE", code: 400 });
    await platform.call("scheduler.pause", { taskId });
    await platform.call("scheduler.delete", { taskId });
    await assert.rejects(platform.call("scheduler.get", { taskId }), { type: "TASK_NOT_FOUND" });
    assert.deepEqual(await outcomes(taskId), revoked);
    const [record] = await platform.records(taskId);
    await eventually(() => Date.now() > Date.parse(record?.plannedAt ?? "") + 100);
    assert.deepEqual(startsOf(name), []);
  });

  it("changing a task returns once the dispatched run of the old definition has started", async () => {
    const { name, task, taskId } = await dispatched();
    const other = reporting();
    const changed = { ...everySecond, ...task, params: other.task.params, expression: "* * 1 * *" };
    await platform.call("scheduler.change", { taskId, ...changed });
    const changedAt = Date.now();
    const [record] = await platform.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
    assert.ok(changedAt >= Date.parse(record?.plannedAt ?? ""));
    assert.deepEqual([startsOf(name).length, startsOf(other.name).length], [1, 0]);
  });

  it("resuming a task continues with its next occurrence", async () => {
    const { name, taskId } = await dispatched();
    await platform.call("scheduler.pause", { taskId });
    assert.deepEqual(await platform.call("scheduler.resume", { taskId }), { changed: true });
    assert.deepEqual(await platform.call("scheduler.resume", { taskId }), { changed: false });
    await eventually(() => startsOf(name).length > 0);
    await platform.call("scheduler.pause", { taskId });
  });

  it("runs a task now, independent of its trigger, also if it is paused", async () => {
    const { name, task } = reporting();
    const taskId = await platform.create({ ...task, isActive: false });
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    await platform.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
    assert.deepEqual([startsOf(name).length, (await platform.records(taskId))[0]?.id], [1, runId]);
    assert.equal((await platform.call("scheduler.get", { taskId })).status, "paused");
  });

  it("skips an occurrence while an earlier run is open, and records the skip", async () => {
    const { name, task } = reporting({ hold: true });
    const taskId = await platform.create(task);
    await platform.recordsWhen(taskId, (records) => records.some(({ status }) => status === "skipped"));
    assert.equal(startsOf(name).length, 1);
    await platform.call("scheduler.pause", { taskId });
    releases.get(name)?.();
    const [first, second] = await platform.recordsWhen(taskId, ([run]) => run?.status === "succeeded");
    assert.deepEqual([first?.status, second?.skip?.reason], ["succeeded", "overlap"]);
  });

  it("returns the verdict on a run that an executor received again", async () => {
    const { name, task } = reporting({ hold: true });
    const taskId = await platform.create({ ...task, isActive: false });
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    await eventually(() => startsOf(name).length === 1);
    const verdict = async (of: string) =>
      (await platform.call("scheduler.confirm", { taskId, runId: of, attempt: 1 })).verdict;
    assert.equal(await verdict(runId), "wanted");
    // As if the process had died after the end was recorded and before the scheduler received it.
    const records = platform.db.collection("scheduler_task_record");
    const query = { _id: new ObjectId(runId) };
    await platform.recordsWhen(taskId, ([run]) => run?.status === "running");
    const [running] = await records.find(query).toArray();
    await records.updateOne(query, { $unset: { open_until: 1 } });
    assert.equal(await verdict(runId), "ended", "its end is recorded");
    const listed = await platform.db.collection("scheduler_task_list").findOne({ name });
    assert.deepEqual(listed?.running, [], "and it is no longer open");
    await records.replaceOne(query, running ?? {});
    releases.get(name)?.();
    await platform.recordsWhen(taskId, ([run]) => run?.status === "succeeded");
    await eventually(async () => (await verdict(runId)) === "ended");
    // As if the process had died after the scheduler received the end and before it was recorded.
    const [ended] = await records.find(query).toArray();
    await records.replaceOne(query, running ?? {});
    assert.equal(
      await verdict(runId),
      "wanted",
      "without a bus that keeps ends, only the record proves an end",
    );
    await records.replaceOne(query, ended ?? {});
    await platform.call("scheduler.delete", { taskId });
    assert.equal(await verdict(runId), "ended", "also for a deleted task");
  });

  it("removes an ended run that is dispatched again while a scheduler becomes active", async () => {
    const { name, task } = reporting();
    const settings = { MONGO_DB_NAME: name };
    const db = mongo.client.db(name);
    const tasks = db.collection("scheduler_task_list");
    const first = await startPlatform({ mongo, handlers: [report], settings });
    const taskId = await first.create({ ...task, isActive: false });
    const { runId } = await first.call("scheduler.runNow", { taskId });
    await first.recordsWhen(taskId, ([run]) => run?.status === "succeeded");
    await eventually(async () => (await tasks.findOne({ name }))?.running.length === 0);
    await first.stop();
    // As if the process had died after the end was recorded and before the scheduler received it.
    const writer = "scheduler-gone";
    await db.collection("events").updateOne({ type: "task.due" }, { $set: { writer } });
    const plannedAt = (await db.collection("scheduler_task_record").findOne())?.start_datetime;
    const running = [{ run_id: runId, attempt: 1, planned_datetime: plannedAt }];
    await tasks.updateOne({ name }, { $set: { running } });
    const gone = { ...thisProcess, pid: 2 ** 30, boot: "gone", seen_at: new Date() };
    await db
      .collection<{ _id: string }>("outboxes")
      .insertOne({ _id: writer, service: "scheduler", position: "0", pending: [], ...gone } as never);
    const second = await startPlatform({ mongo, handlers: [report], settings });
    try {
      await eventually(async () => (await tasks.findOne({ name }))?.running.length === 0);
      assert.equal(startsOf(name).length, 1, "it is not executed again");
    } finally {
      await second.stop();
    }
  });

  it("removes the ended runs of a paused task after a take-over", async () => {
    const { name, task } = reporting();
    const settings = { MONGO_DB_NAME: name };
    const tasks = mongo.client.db(name).collection("scheduler_task_list");
    const first = await startPlatform({ mongo, handlers: [report], settings });
    const taskId = await first.create({ ...task, isActive: false });
    const { runId } = await first.call("scheduler.runNow", { taskId });
    const [record] = await first.recordsWhen(taskId, ([run]) => run?.status === "succeeded");
    await eventually(async () => (await tasks.findOne({ name }))?.running.length === 0);
    await first.stop();
    const planned_datetime = new Date(record?.plannedAt ?? "");
    await tasks.updateOne(
      { name },
      { $set: { running: [{ run_id: runId, attempt: 1, planned_datetime, is_revoked: false }] } },
    );
    const second = await startPlatform({ mongo, handlers: [report], settings });
    try {
      await eventually(async () => (await tasks.findOne({ name }))?.running.length === 0);
    } finally {
      await second.stop();
    }
  });

  it("reports which node is active", async () => {
    const { active, leader } = await platform.call("scheduler.status", {});
    assert.deepEqual([active, leader], [true, platform.broker.nodeID]);
  });

  it("rejects changes while it is switched off, and still returns what is stored", async () => {
    const off = await startPlatform({ mongo, handlers: [report], settings: { TASK_ENABLE: "false" } });
    try {
      const taskId = objectId();
      await assert.rejects(off.create(reporting().task), { type: "TASK_DISABLED", code: 400 });
      for (const name of [
        "scheduler.pause",
        "scheduler.resume",
        "scheduler.delete",
        "scheduler.runNow",
      ] as const)
        await assert.rejects(off.call(name, { taskId }), { type: "TASK_DISABLED" });
      assert.deepEqual(await off.call("scheduler.list", { page: 1, limit: 10 }), { items: [], total: 0 });
      assert.deepEqual(await off.call("scheduler.status", {}), {
        active: false,
        leader: null,
        problem: null,
        skipping: [],
      });
    } finally {
      await off.stop();
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { executorService } from "../../services/executor/executor.service.ts";
import { defineHandler } from "../../services/executor/handler/define-handler.ts";
import { systemClock } from "../../shared/clock.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { type Platform, startPlatform } from "../platform.ts";
import type { WireRecord } from "./api.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";

const SETTINGS = { SERVER_PORT: "0", EXECUTOR_CONCURRENCY: "1" };
const SERVICES = ["executor", "scheduler", "records", "gateway"] as const;

describe("cancelling a run, in one process", () => {
  let mongo: TestMongo;
  let platform: Platform;
  let started: string[] = [];
  let release = Promise.withResolvers<void>();
  const handlers = [
    defineHandler({
      name: "t.waits",
      title: "waits for its signal",
      params: {},
      run: (_, { runId, signal }) => {
        started.push(runId);
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      },
    }),
    defineHandler({
      name: "t.stubborn",
      title: "ignores its signal",
      params: {},
      run: (_, { runId }) => {
        started.push(runId);
        return release.promise;
      },
    }),
  ];
  before(async () => {
    mongo = await startTestMongo();
    platform = await startPlatform({ mongo, services: SERVICES, settings: SETTINGS, handlers });
  });
  after(async () => {
    release.resolve();
    await platform?.stop();
    await mongo?.close();
  });

  async function cancel(runId: string, language = "en"): Promise<string> {
    const url = `${platform.address}/scheduler/task/run/cancel/update?data_id=${runId}`;
    const response = await fetch(url, { method: "POST", headers: { "accept-language": language } });
    const { code, data, message } = (await response.json()) as {
      code: number;
      data: string;
      message: string;
    };
    return code === 200 ? data : message;
  }
  const byHand = async (handler: string) => {
    const taskId = await platform.create({ handler, params: {}, isActive: false });
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    return { taskId, runId };
  };
  const cancelled = (taskId: string) =>
    platform.recordsWhen(taskId, ([record]) => record?.status === "cancelled");

  it("aborts its handler, records who and when, and has no effect the second time", async () => {
    const { taskId, runId } = await byHand("t.waits");
    await platform.recordsWhen(taskId, ([record]) => record?.status === "running");
    assert.equal(await cancel(runId), "Run cancelled.");
    assert.match(await cancel(runId), /was cancelled before|has ended \(cancelled\)/);
    const [record] = await cancelled(taskId);
    assert.equal(record?.error?.type, "RUN_CANCELLED");
    assert.deepEqual(
      record?.attempts.map(({ outcome }) => outcome),
      ["cancelled"],
    );
    assert.ok(record?.cancellation?.at);
    assert.equal(await cancel(runId, "zh"), "该运行已结束（cancelled），未作更改");
  });

  it("ends it although its handler ignores the signal; then the next run waits for the slot and can be cancelled", async () => {
    const [blocking, waiting] = [await byHand("t.stubborn"), await byHand("t.waits")];
    await platform.recordsWhen(blocking.taskId, ([record]) => record?.status === "running");
    assert.equal(await cancel(waiting.runId), "Run cancelled.");
    const [never] = await cancelled(waiting.taskId);
    assert.deepEqual(never?.attempts, []);
    assert.equal(await cancel(blocking.runId), "Run cancelled.");
    const [ended] = await cancelled(blocking.taskId);
    assert.equal(ended?.attempts.length, 1);
    assert.ok(!started.includes(waiting.runId), "the cancelled run never started");
    release.resolve();
    release = Promise.withResolvers();
  });

  it("of a deleted task aborts it, too", async () => {
    const { taskId, runId } = await byHand("t.waits");
    await platform.recordsWhen(taskId, ([record]) => record?.status === "running");
    await platform.call("scheduler.delete", { taskId });
    assert.equal(await cancel(runId), "Run cancelled.");
    await cancelled(taskId);
  });

  it("that does not exist returns 404", async () => {
    assert.match(await cancel("66f2a1c00a1b2c3d4e5f6071"), /No data found/);
  });

  it("that no executor has records it, and it never starts", async () => {
    const taskId = await platform.create({ handler: "t.waits", params: {}, isActive: false });
    await platform.broker.destroyService("executor");
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    started = [];
    assert.equal(await cancel(runId), "Run cancelled.");
    const [record] = await cancelled(taskId);
    assert.deepEqual(record?.attempts, []);
    const { config } = platform;
    platform.broker.createService(executorService({ handlers, clock: systemClock, config }));
    await platform.broker.waitForServices("executor");
    const next = await byHand("t.waits");
    await platform.recordsWhen(next.taskId, ([first]) => first?.status === "running");
    assert.deepEqual(started, [next.runId]);
    await cancel(next.runId);
    const [known] = await platform.records(taskId);
    assert.equal(known?.status, "cancelled");
  });
});

describe("cancelling a run over NATS, with each service in a process of its own", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster();
  });
  after(async () => {
    await cluster?.stop();
    await sink?.close();
  });

  const request = (path: string) => ({ job_class: "http.request", job_params: { url: sink.url(path) } });
  const once = { exec_strategy: "once" };
  const cancel = (record: WireRecord | undefined) =>
    cluster.api.post(`/scheduler/task/run/cancel/update?data_id=${record?.id}`);

  it("aborts its handler on whichever executor it runs", async () => {
    const { api } = cluster;
    await cluster.start("executor", { name: "executor-2" });
    const paths = ["/a", "/b", "/c", "/d"];
    for (const path of paths) sink.hold(path);
    const taskIds = await Promise.all(paths.map((path) => api.create({ ...request(path), ...once })));
    for (const taskId of taskIds) {
      const [record] = await api.recordsWhen(taskId, ([first]) => first?.status === "running");
      assert.equal((await cancel(record)).code, 200);
      await api.recordsWhen(taskId, ([first]) => first?.status === "cancelled");
    }
    await cluster.process("executor-2").stop();
  });

  it("that is killed with its executor ends it, and it does not start again", async () => {
    const { api } = cluster;
    sink.hold("/killed");
    const taskId = await api.create({ ...request("/killed"), ...once });
    const [record] = await api.recordsWhen(taskId, ([first]) => first?.status === "running");
    await cluster.process("executor").kill();
    assert.equal((await cancel(record)).code, 200);
    await cluster.start("executor");
    const [ended] = await api.recordsWhen(taskId, ([first]) => first?.status === "cancelled");
    assert.equal(sink.hits("/killed"), 1);
    assert.equal(ended?.attempts.length, 1);
  });

  it("ends it although scheduler and executors are killed right after the request", async () => {
    const { api } = cluster;
    const inactive = { ...request("/never"), ...once, is_active: false };
    // The executor has just been started.
    const taskId = await eventually(async () => (await api.tryCreate(inactive)).id);
    await cluster.process("executor").kill();
    await api.post(`/scheduler/task/run/create?data_id=${taskId}`);
    const [record] = await api.recordsWhen(taskId, (all) => all.length === 1);
    const { active } = await cluster.schedulers();
    const requested = cancel(record);
    const stored = cluster.db.collection("events");
    await eventually(() => stored.findOne({ type: "task.run_cancelled", "data.runId": record?.id }));
    await active.kill();
    await requested;
    await cluster.start("scheduler", { name: "scheduler-2" });
    await api.recordsWhen(taskId, ([first]) => first?.status === "cancelled");
    await cluster.start("executor");
    const next = await eventually(async () => (await api.tryCreate({ ...request("/next"), ...once })).id);
    await api.recordsWhen(next, ([first]) => first?.status === "succeeded");
    assert.equal(sink.hits("/never"), 0);
  });

  it("leaves read models that are what the events make of them", async () => {
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { defineHandler, type HandlerContext } from "../../services/executor/handler/define-handler.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { type Platform, startPlatform } from "../platform.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";

describe("retries, in one process", () => {
  let mongo: TestMongo;
  let platform: Platform;
  /** What the handler throws for each attempt; nothing: it succeeds. */
  let errors: (Error | undefined)[] = [];
  let attempts: number[] = [];
  const handlers = [
    defineHandler({
      name: "t.fails",
      title: "fails as requested",
      params: {},
      run(_, { attempt, log }: HandlerContext) {
        attempts.push(attempt);
        log.info(`attempt ${attempt}`);
        const error = errors.shift();
        if (error) throw error;
        return attempt;
      },
    }),
  ];
  before(async () => {
    mongo = await startTestMongo();
    platform = await startPlatform({ mongo, handlers });
  });
  after(async () => {
    await platform?.stop();
    await mongo?.close();
  });

  const failure = () => new Error("not yet");
  const retrying = { handler: "t.fails", params: {}, retryLimit: 2, retryBackoff: "fixed" } as const;
  const start = async (delayMs: number, thrown: Error[]) => {
    errors = thrown;
    attempts = [];
    const taskId = await platform.create({ ...retrying, retryDelayMs: delayMs, isActive: false });
    const { runId } = await platform.call("scheduler.runNow", { taskId });
    return { taskId, runId };
  };
  const recordWith = async (taskId: string, status: string) => {
    const [record] = await platform.recordsWhen(taskId, ([first]) => first?.status === status);
    return record;
  };
  const openRuns = async (taskId: string) =>
    (await platform.db.collection("scheduler_task_list").find({}).toArray()).find(
      ({ _id }) => String(_id) === taskId,
    )?.running;

  it("execute a failed run again, and its record has each attempt", async () => {
    const { taskId } = await start(50, [failure(), failure()]);
    const record = await recordWith(taskId, "succeeded");
    assert.deepEqual([attempts, record?.result], [[1, 2, 3], 3]);
    assert.deepEqual(
      record?.attempts.map(({ number, outcome, error }) => [number, outcome, error?.message]),
      [
        [1, "failed", "not yet"],
        [2, "failed", "not yet"],
        [3, "succeeded", undefined],
      ],
    );
    assert.deepEqual(
      record?.log.map(({ message, attempt = 1 }) => [message, attempt]),
      [1, 2, 3].map((attempt) => [`attempt ${attempt}`, attempt]),
    );
    await eventually(async () => (await openRuns(taskId)).length === 0);
  });

  it("end with the last failure once the limit is reached", async () => {
    const { taskId } = await start(0, [failure(), failure(), failure(), failure()]);
    const record = await recordWith(taskId, "failed");
    assert.deepEqual([attempts, record?.attempts.length], [[1, 2, 3], 3]);
  });

  it("do not follow an error that excludes them", async () => {
    const { taskId } = await start(0, [Object.assign(failure(), { retryable: false })]);
    const record = await recordWith(taskId, "failed");
    assert.deepEqual([attempts, record?.attempts.length], [[1], 1]);
  });

  for (const [name, end] of [
    ["paused", async (taskId: string) => void (await platform.call("scheduler.pause", { taskId }))],
    [
      "paused and deleted",
      async (taskId: string) => {
        await platform.call("scheduler.pause", { taskId });
        await platform.call("scheduler.delete", { taskId });
      },
    ],
  ] as const)
    it(`are withdrawn if the task is ${name}`, async () => {
      const { taskId } = await start(60_000, [failure()]);
      await recordWith(taskId, "retrying");
      await end(taskId);
      const record = await recordWith(taskId, "cancelled");
      assert.match(record?.error?.message ?? "", /waited for its next attempt/);
      assert.deepEqual(attempts, [1]);
    });

  it("can be cancelled while they are awaited", async () => {
    const { taskId, runId } = await start(60_000, [failure()]);
    await recordWith(taskId, "retrying");
    await eventually(async () => (await openRuns(taskId))?.[0]?.retry_datetime !== undefined);
    await platform.call("scheduler.cancel", { runId });
    const record = await recordWith(taskId, "cancelled");
    assert.ok(record?.cancellation);
  });

  it("come although the process is stopped meanwhile", async () => {
    const { taskId } = await start(3000, [failure()]);
    await recordWith(taskId, "retrying");
    const { mongoDatabase } = platform.config;
    await platform.stop();
    platform = await startPlatform({
      mongo,
      handlers,
      settings: { MONGO_DB_NAME: mongoDatabase },
    });
    const record = await recordWith(taskId, "succeeded");
    assert.deepEqual([attempts, record?.attempts.length], [[1, 2], 2]);
  });
});

describe("retries over NATS, with each service in a process of its own", () => {
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

  const refused = {
    job_class: "http.request",
    exec_strategy: "once",
    retry_limit: 2,
    retry_backoff: "fixed",
    retry_delay_ms: 2000,
  };

  it("survive the executor and the scheduler, and the read models are what the events make of them", async () => {
    const { api } = cluster;
    const url = "http://127.0.0.1:1/";
    const taskId = await api.create({ ...refused, job_params: { url } });
    await api.recordsWhen(taskId, ([first]) => first?.status === "retrying");
    const { active } = await cluster.schedulers();
    await Promise.all([active.kill(), cluster.process("executor").kill()]);
    await Promise.all([
      cluster.start("scheduler", { name: "scheduler-2" }),
      cluster.start("executor", { name: "executor-2" }),
    ]);
    const [record] = await api.recordsWhen(taskId, ([first]) => first?.status === "failed");
    assert.deepEqual(
      record?.attempts.map(({ outcome }) => outcome),
      ["failed", "failed", "failed"],
    );
    assert.match(await cluster.replayCheck(), /No difference/);
  });

  it("follow an attempt whose executor was killed with the attempt's own number", async () => {
    const { api } = cluster;
    sink.hold("/killed");
    const task = { ...refused, job_params: { url: sink.url("/killed") } };
    const taskId = await eventually(async () => (await api.tryCreate(task)).id);
    await api.recordsWhen(taskId, ([first]) => first?.status === "running");
    await cluster.process("executor-2").kill();
    await cluster.start("executor", { name: "executor-3" });
    await sink.reached("/killed", 2);
    sink.release("/killed");
    const [record] = await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
    assert.deepEqual(
      record?.attempts.map(({ outcome }) => outcome),
      [null, "succeeded"],
    );
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

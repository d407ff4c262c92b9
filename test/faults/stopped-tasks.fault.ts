import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, httpApi } from "../stories/api.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import { startProcess } from "../stories/process.ts";

/** Runs that wait for the one place behind the one that has it. */
const BACKLOG = 3;
const TASKS = 4;
const AHEAD_MS = 4000;
/** How long nothing may start for a test to believe that nothing will. */
const WATCH_MS = 1500;

const request = (sink: HttpSink, path: string) => ({
  job_class: "http.request",
  job_params: { url: sink.url(path) },
});
const stop = async (api: Api, taskId: string): Promise<void> => {
  const response = await api.post(`/scheduler/task/stop/update?data_id=${taskId}`);
  assert.deepEqual([response.code, response.data], [200, "任务暂停成功"]);
};
const remove = async (api: Api, taskId: string): Promise<void> => {
  const response = await api.post(`/scheduler/task/delete?data_id=${taskId}`);
  assert.deepEqual([response.code, response.data], [200, "任务删除成功"]);
};

interface Started {
  readonly api: Api;
  stop(): Promise<unknown>;
}

async function startOneProcess(settings: Readonly<Record<string, string>>): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), "kinit-stopped-"));
  const env = { ...settings, DATA_DIR: dir, SERVER_PORT: "0", HTTP_REQUEST_ALLOW_PRIVATE: "true" };
  const platform = startProcess("tools/run.mjs", ["start"], env);
  const [, address = ""] = await platform.line(/listens on (http\S+)/);
  const end = () => platform.stop().then(() => rm(dir, { recursive: true, force: true }));
  return { api: httpApi(address), stop: end };
}

for (const [mode, start] of [
  ["over NATS", startCluster],
  ["in one process", startOneProcess],
] as const) {
  describe(`runs that are due and wait for a place, ${mode}`, () => {
    let platform: Started;
    let sink: HttpSink;
    before(async () => {
      sink = await startHttpSink();
      platform = await start({ EXECUTOR_CONCURRENCY: "1" });
    });
    after(async () => {
      await platform?.stop();
      await sink?.close();
    });

    const backlogOf = (taskId: string) =>
      platform.api.recordsWhen(
        taskId,
        (records) => records.filter(({ status }) => status === "queued").length >= BACKLOG,
      );
    /** Frees the one place and waits until nothing is left that could take it. */
    async function assertNothingMoreStarts(path: string, taskId: string): Promise<void> {
      sink.release(path);
      const records = await platform.api.recordsWhen(taskId, (found) =>
        found.every(({ status }) => !["queued", "running"].includes(status)),
      );
      assert.equal(sink.hits(path), 1, `the records are ${records.map(({ status }) => status)}`);
      const others = records.filter(({ status }) => status !== "succeeded");
      assert.equal(others.length, records.length - 1);
    }

    it("do not start once a stop is answered", async () => {
      const path = "/stopped";
      sink.hold(path);
      const everySecond = { exec_strategy: "interval", expression: "1 * * * *", overlap_policy: "allow" };
      const taskId = await platform.api.create({ ...request(sink, path), ...everySecond });
      await sink.reached(path, 1);
      await backlogOf(taskId);
      await stop(platform.api, taskId);
      await assertNothingMoreStarts(path, taskId);
    });

    it("do not start once a deletion is answered", async () => {
      const path = "/deleted";
      sink.hold(path);
      const idle = { exec_strategy: "interval", expression: "0 1 * * *", is_active: false };
      const taskId = await platform.api.create({ ...request(sink, path), ...idle });
      for (let run = 0; run <= BACKLOG; run++)
        assert.equal((await platform.api.post(`/scheduler/task/run/create?data_id=${taskId}`)).code, 200);
      await sink.reached(path, 1);
      await backlogOf(taskId);
      await remove(platform.api, taskId);
      await assertNothingMoreStarts(path, taskId);
    });
  });
}

describe("an executor that is frozen while its tasks are stopped", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster({ DISPATCH_AHEAD_MS: String(AHEAD_MS) });
  });
  after(async () => {
    await cluster?.stop();
    await sink?.close();
  });

  it("starts nothing of what it holds when it goes on after the planned time", async () => {
    const { api, db } = cluster;
    const executor = cluster.process("executor");
    const plannedAt = Math.ceil((Date.now() + AHEAD_MS) / 1000 + 1) * 1000;
    const start_datetime = new Date(plannedAt + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
    const hourly = { exec_strategy: "interval", expression: "0 0 1 * *", start_datetime };
    const path = (n: number) => `/frozen-${n}`;
    const taskIds = await Promise.all(
      Array.from({ length: TASKS }, (_, n) => api.create({ ...request(sink, path(n)), ...hourly })),
    );
    await delay(plannedAt - 1100 - Date.now());
    const ordered = taskIds.map((taskId) => ({ stream: `task-${taskId}`, type: "task.due" }));
    assert.equal(await db.collection("events").countDocuments({ $or: ordered }), TASKS);
    executor.freeze();
    await Promise.all(taskIds.map((taskId) => stop(api, taskId)));
    await delay(Math.max(0, plannedAt + 800 - Date.now()));
    executor.thaw();
    await Promise.all(
      taskIds.map((taskId) =>
        api.recordsWhen(taskId, ([run]) => run !== undefined && !["queued", "running"].includes(run.status)),
      ),
    );
    await delay(WATCH_MS);
    assert.deepEqual(
      taskIds.map((_, n) => sink.hits(path(n))),
      taskIds.map(() => 0),
    );
  });
});

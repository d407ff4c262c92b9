import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import type { StoryProcess } from "../stories/process.ts";

/** Beyond the lease and beyond Moleculer's heartbeat, after which the gateway asks another node. */
const FROZEN_MS = 5000;
/** More than one occurrence of a task that a late command would have set going. */
const WATCH_MS = 2500;
/** Enough for the frozen node to be given some of the commands, whoever is asked first. */
const TASKS = 4;

/** Commands that a frozen scheduler finds when it goes on, after another one has carried them out. */
describe("a scheduler that was frozen while commands waited for it", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster();
    await cluster.start("scheduler", { name: "scheduler-2" });
  });
  after(async () => {
    await cluster?.stop();
    await sink?.close();
  });

  const task = (path: string, more: object = {}) => ({
    job_class: "http.request",
    job_params: { url: sink.url(path) },
    exec_strategy: "interval",
    expression: "1 * * * *",
    is_active: false,
    ...more,
  });
  const create = (path: string) =>
    Promise.all(Array.from({ length: TASKS }, () => cluster.api.create(task(path))));
  const ofEach = (taskIds: readonly string[], what: "start" | "stop") =>
    Promise.all(
      taskIds.map(async (id) => {
        const { code, data } = await cluster.api.post(`/scheduler/task/${what}/update?data_id=${id}`);
        return [code, data];
      }),
    );
  const update = (taskIds: readonly string[], remark: string) =>
    Promise.all(
      taskIds.map(async (data_id) => {
        const data = task("/updated", { name: data_id, remark });
        return (await cluster.api.post("/scheduler/task/update", { data_id, data })).code;
      }),
    );
  const stored = async (taskId: string) => {
    const { data } = await cluster.api.get(`/scheduler/task/one/query?data_id=${taskId}`);
    return data as { is_active: boolean; remark: string | null };
  };
  const eventsOf = async (taskId: string): Promise<string[]> => {
    const stream = cluster.db.collection("events").find({ stream: `task-${taskId}` });
    return (await stream.sort({ version: 1 }).toArray()).map(({ type }) => type as string);
  };
  const all = <T>(value: T): T[] => Array.from({ length: TASKS }, () => value);

  async function assertNothingLate(path: string, choose: () => Promise<StoryProcess | undefined>) {
    const [started, updated] = [await create(path), await create(path)];
    const frozen = await choose();
    assert.ok(frozen);
    const frozenAt = performance.now();
    frozen.freeze();
    try {
      const [starts, updates] = await Promise.all([ofEach(started, "start"), update(updated, "older")]);
      assert.deepEqual(starts, all([200, "任务开启成功"]));
      assert.deepEqual(updates, all(200));
      const [stops, newer] = await Promise.all([ofEach(started, "stop"), update(updated, "newer")]);
      assert.deepEqual(stops, all([200, "任务暂停成功"]));
      assert.deepEqual(newer, all(200));
      await delay(Math.max(0, FROZEN_MS - (performance.now() - frozenAt)));
    } finally {
      frozen.thaw();
    }
    const hits = sink.hits(path);
    await delay(WATCH_MS);
    const [tasks, events] = await Promise.all([
      Promise.all(started.map(stored)),
      Promise.all(started.map(eventsOf)),
    ]);
    assert.deepEqual(
      tasks.map(({ is_active }) => is_active),
      all(false),
      `the streams are ${JSON.stringify(events)}`,
    );
    assert.equal(sink.hits(path), hits, "nothing runs after the answer to the stop");
    const remarks = (await Promise.all(updated.map(stored))).map(({ remark }) => remark);
    assert.deepEqual(remarks, all("newer"));
  }

  it("the active one executes nothing that a newer command has overtaken", () =>
    assertNothingLate("/active", async () => (await cluster.schedulers()).active));

  it("one that only forwards passes nothing on that a newer command has overtaken", () =>
    assertNothingLate("/standby", async () => (await cluster.schedulers()).standby));
});

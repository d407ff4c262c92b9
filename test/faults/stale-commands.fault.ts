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
  /** Resolves to the instants (ms) at which the commands succeeded. */
  const ofEach = (taskIds: readonly string[], what: "start" | "stop") =>
    Promise.all(
      taskIds.map(async (id) => {
        const { code, data } = await cluster.api.post(`/scheduler/task/${what}/update?data_id=${id}`);
        assert.deepEqual([code, data], [200, what === "start" ? "任务开启成功" : "任务暂停成功"]);
        return Date.now();
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
  const eventsOf = (taskId: string) =>
    cluster.db
      .collection("events")
      .find({ stream: `task-${taskId}` })
      .sort({ version: 1 })
      .toArray();
  /** When the handlers of a task's runs were called (ms), once all of these runs have ended. */
  async function startsOf(taskId: string): Promise<number[]> {
    const runIds = (await eventsOf(taskId)).flatMap(({ type, data }) =>
      type === "task.due" ? (data.runId as string) : [],
    );
    await cluster.api.recordsWhen(taskId, (records) => {
      const ended = new Set(records.filter(({ end_datetime }) => end_datetime !== null).map(({ id }) => id));
      return runIds.every((runId) => ended.has(runId));
    });
    const records = await cluster.db.collection("scheduler_task_record").find({ task_id: taskId }).toArray();
    const attempts: readonly { started_datetime: Date }[] = records.flatMap(
      (record) => record.attempts ?? [],
    );
    return attempts.map(({ started_datetime }) => started_datetime.getTime());
  }
  const all = <T>(value: T): T[] => Array.from({ length: TASKS }, () => value);

  /** Starts and stops the one tasks and updates the others twice while a scheduler is frozen; resolves as `ofEach`. */
  async function commandWhileFrozen(frozen: StoryProcess, started: string[], updated: string[]) {
    const frozenAt = performance.now();
    frozen.freeze();
    try {
      const [, older] = await Promise.all([ofEach(started, "start"), update(updated, "older")]);
      assert.deepEqual(older, all(200));
      const [stoppedAt, newer] = await Promise.all([ofEach(started, "stop"), update(updated, "newer")]);
      assert.deepEqual(newer, all(200));
      await delay(Math.max(0, FROZEN_MS - (performance.now() - frozenAt)));
      return stoppedAt;
    } finally {
      frozen.thaw();
    }
  }

  async function assertNothingLate(path: string, choose: () => Promise<StoryProcess | undefined>) {
    const [started, updated] = [await create(path), await create(path)];
    const frozen = await choose();
    assert.ok(frozen);
    const stoppedAt = await commandWhileFrozen(frozen, started, updated);
    await delay(WATCH_MS);
    const events = await Promise.all(started.map(eventsOf));
    const history = `the streams are ${JSON.stringify(events.map((of) => of.map(({ type }) => type)))}`;
    const activity = (await Promise.all(started.map(stored))).map(({ is_active }) => is_active);
    assert.deepEqual(activity, all(false), history);
    const starts = await Promise.all(started.map(startsOf));
    // The handler's call is what counts: a request that it makes before the stop succeeds may arrive later.
    const late = starts.map((of, n) => of.filter((at) => at > (stoppedAt[n] as number)));
    assert.deepEqual(late, all([]), `the tasks stopped at ${stoppedAt}; ${history}`);
    assert.equal(sink.hits(path), starts.flat().length, "every request belongs to a recorded attempt");
    const remarks = (await Promise.all(updated.map(stored))).map(({ remark }) => remark);
    assert.deepEqual(remarks, all("newer"));
  }

  it("the active one executes nothing that a newer command has overtaken", () =>
    assertNothingLate("/active", async () => (await cluster.schedulers()).active));

  it("one that only forwards passes nothing on that a newer command has overtaken", () =>
    assertNothingLate("/standby", async () => (await cluster.schedulers()).standby));
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, startCluster } from "./cluster.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";
import { assertEachOccurrenceOnce } from "./occurrences.ts";

const LEASE_MS = 2000;
const OUTAGE_MS = 5000;
const TASKS = 20;

describe("outages of what all services share", () => {
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

  /** Tasks that are due every second and call the sink. */
  async function underLoad(name: string): Promise<string[]> {
    const create = (_: unknown, n: number) =>
      cluster.api.create({
        job_class: "http.request",
        job_params: { url: sink.url(`/${name}-${n}`) },
        exec_strategy: "interval",
        expression: "1 * * * *",
      });
    const taskIds = await Promise.all(Array.from({ length: TASKS }, create));
    await Promise.all(taskIds.map((_, n) => sink.reached(`/${name}-${n}`, 2)));
    return taskIds;
  }

  /** Waits until runs go on, stops the tasks, and asserts the promise for each of them. */
  async function assertNothingLost(name: string, taskIds: readonly string[]): Promise<void> {
    const hits = taskIds.map((_, n) => sink.hits(`/${name}-${n}`));
    await Promise.all(taskIds.map((_, n) => sink.reached(`/${name}-${n}`, (hits[n] ?? 0) + 2)));
    for (const [n, taskId] of taskIds.entries()) {
      const { data } = await cluster.api.post(`/scheduler/task/stop/update?data_id=${taskId}`);
      assert.equal(data, "任务暂停成功");
      // All that the paused task dispatched; some of it may not be on record yet.
      const dispatched = { type: "task.due", stream: `task-${taskId}` };
      const runIds: string[] = await cluster.db.collection("events").distinct("data.runId", dispatched);
      const path = `/${name}-${n}`;
      await cluster.api.recordsWhen(taskId, (records) => {
        const ended = records.filter(({ status }) => !["queued", "running"].includes(status));
        const ids = new Set(ended.map(({ id }) => id));
        const succeeded = ended.filter(({ status }) => status === "succeeded");
        return runIds.every((id) => ids.has(id)) && succeeded.length >= sink.hits(path);
      });
      await assertEachOccurrenceOnce(cluster.db, taskId, 1000);
      const records = await cluster.api.records(taskId);
      const succeeded = records.filter(({ status }) => status === "succeeded");
      assert.equal(succeeded.length, sink.hits(path), `${path}: no run was executed twice`);
    }
  }

  it("the active scheduler is killed: the standby fires when the lease has run out", async () => {
    const taskIds = await underLoad("leader");
    await cluster.start("scheduler", { name: "scheduler-2" });
    const hits = sink.hits("/leader-0");
    await sink.reached("/leader-0", hits + 1);
    const killedAt = Date.now();
    await cluster.process("scheduler").kill();
    await cluster.process("scheduler-2").line(/is active/);
    await cluster.api.recordsWhen(taskIds[0] ?? "", (records) =>
      records.some(
        ({ status, start_datetime }) =>
          status === "succeeded" && Date.parse(`${start_datetime}+08:00`) > killedAt + LEASE_MS / 2,
      ),
    );
    await assertNothingLost("leader", taskIds);
  });

  it("nats-server is killed for five seconds under load: every occurrence is on record once", async () => {
    const taskIds = await underLoad("nats");
    await cluster.nats.kill();
    await delay(OUTAGE_MS);
    await cluster.nats.restart();
    await assertNothingLost("nats", taskIds);
  });

  it("MongoDB is killed for five seconds under load: the same", async () => {
    const taskIds = await underLoad("mongo");
    await cluster.mongo.kill();
    await delay(OUTAGE_MS);
    await cluster.mongo.restart();
    await assertNothingLost("mongo", taskIds);
  });

  it("afterwards the read models are what the events make of them", async () => {
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

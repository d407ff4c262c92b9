import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { WireRecord } from "./api.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";
import { assertEachOccurrenceOnce } from "./occurrences.ts";

describe("with each service in a process of its own", () => {
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
  const everySecond = { exec_strategy: "interval", expression: "1 * * * *" };

  it("a run goes through them all, from the HTTP request to the record", async () => {
    const { api } = cluster;
    const taskId = await api.create({
      job_class: "test.main.Test",
      job_params: { name: "kinit", age: 3 },
      exec_strategy: "once",
    });
    const [record] = await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
    assert.equal(JSON.parse(record?.retval ?? "null"), "任务执行完成");
    assert.deepEqual([record?.exception, record?.attempts.length], ["null", 1]);
    assert.ok((record?.process_time ?? 0) >= 2, "the handler sleeps two seconds");
    assert.ok((record?.log.length ?? 0) > 0, "the handler's log lines are on record");
  });

  it("a run that is started by hand can be read by its id at once", async () => {
    const { api } = cluster;
    const taskId = await api.create({ ...request("/by-hand"), exec_strategy: "once", is_active: false });
    sink.hold("/by-hand");
    const { data: runId } = await api.post(`/scheduler/task/run/create?data_id=${taskId}`);
    const { code, data } = await api.get(`/scheduler/task/record/one/query?data_id=${runId}`);
    assert.equal(code, 200);
    const { id, task_id, status } = data as WireRecord;
    assert.deepEqual([id, task_id, status], [runId, taskId, "queued"]);
    sink.release("/by-hand");
    await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
  });

  it("an executor that is killed during a run is replaced: one record, two attempts", async () => {
    const { api } = cluster;
    sink.hold("/killed");
    const taskId = await api.create({ ...request("/killed"), exec_strategy: "once" });
    await sink.reached("/killed", 1);
    await api.recordsWhen(taskId, ([first]) => first?.status === "running");
    await cluster.start("executor", { name: "executor-2" });
    await cluster.process("executor").kill();
    await sink.reached("/killed", 2);
    sink.release("/killed");
    const records = await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
    assert.equal(records.length, 1);
    assert.deepEqual(
      records[0]?.attempts.map(({ outcome }) => outcome),
      [null, "succeeded"],
    );
    assert.equal(sink.hits("/killed"), 2);
  });

  it("the records service is away for ten seconds: it catches up, nothing is missing", async () => {
    const { api, db } = cluster;
    const taskIds = await Promise.all(
      Array.from({ length: 20 }, (_, n) => api.create({ ...request(`/unrecorded-${n}`), ...everySecond })),
    );
    await Promise.all(taskIds.map((_, n) => sink.reached(`/unrecorded-${n}`, 1)));
    await cluster.process("records").stop();
    const hits = sink.hits("/unrecorded-0");
    await sink.reached("/unrecorded-0", hits + 10);
    await cluster.start("records");
    await Promise.all(taskIds.map((id) => api.post(`/scheduler/task/stop/update?data_id=${id}`)));
    for (const [n, taskId] of taskIds.entries()) {
      const executed = sink.hits(`/unrecorded-${n}`);
      await api.recordsWhen(
        taskId,
        (records) => records.filter(({ status }) => status === "succeeded").length >= executed,
      );
      const { succeeded } = await assertEachOccurrenceOnce(db, taskId, 1000);
      assert.equal(succeeded, sink.hits(`/unrecorded-${n}`), "each run was executed once and recorded once");
    }
  });

  it("its read models are what its events make of them", async () => {
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

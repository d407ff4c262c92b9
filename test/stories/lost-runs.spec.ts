import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import type { Filter, MongoClient } from "mongodb";
import type { RecordDocument } from "../../services/records/record-document.ts";
import { dumpLines } from "../../tools/mongo-dump.ts";
import { restoreLines } from "../../tools/mongo-restore.ts";
import { eventually } from "../eventually.ts";
import type { WireRecord } from "./api.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";

/** From the start of the services to the next run of every task. */
const SECONDS_MS = 25_000;
const everySecond = { exec_strategy: "interval", expression: "1 * * * *" };

describe("runs whose orders the bus has lost", () => {
  const stops: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const open = async (fill?: (client: MongoClient) => Promise<void>) => {
    const cluster = await startCluster({}, { fill });
    stops.push(() => cluster.stop());
    return cluster;
  };
  const openSink = async () => {
    const sink = await startHttpSink();
    stops.push(() => sink.close());
    return sink;
  };

  /** One task whose run goes on, and several that run on while nothing of them is recorded any more. */
  async function unrecorded({ api, process }: Cluster, sink: HttpSink): Promise<string[]> {
    const create = (path: string) =>
      api.create({ job_class: "http.request", job_params: { url: sink.url(path) }, ...everySecond });
    sink.hold("/held");
    const taskIds = await Promise.all(["/held", "/a", "/b", "/c"].map(create));
    await Promise.all(["/held", "/a", "/b", "/c"].map((path) => sink.reached(path, 1)));
    process("records").freeze();
    await Promise.all(["/a", "/b", "/c"].map((path) => sink.reached(path, sink.hits(path) + 3)));
    return taskIds;
  }

  /** Every task has a new run within the time; what had no outcome before is lost, once, and says why. */
  async function assertGoOn({ db }: Cluster, taskIds: readonly string[], since: number): Promise<void> {
    const records = db.collection<RecordDocument>("scheduler_task_record");
    const found = (query: Filter<RecordDocument>) => records.find(query).toArray();
    const newer = { status: "succeeded", start_datetime: { $gt: new Date(since) } } as const;
    for (const task_id of taskIds) {
      await eventually(async () => (await found({ task_id, ...newer })).length > 0, SECONDS_MS);
      const lost = await found({ task_id, status: "lost" });
      assert.ok(lost.length > 0, `task ${task_id} had runs without an outcome`);
      for (const { exception } of lost) assert.match(exception ?? "", /no executor holds it/);
    }
    const left = { open_until: { $exists: true }, start_datetime: { $lt: new Date(since) } } as const;
    await eventually(async () => (await found(left)).length === 0);
  }

  async function stopAll({ api }: Cluster, taskIds: readonly string[]): Promise<void> {
    await Promise.all(taskIds.map((id) => api.post(`/scheduler/task/stop/update?data_id=${id}`)));
    for (const taskId of taskIds) {
      const isOpen = ({ status }: WireRecord) => ["queued", "running"].includes(status);
      await api.recordsWhen(taskId, (records) => !records.some(isOpen));
    }
  }

  it("restored from a copy of the running system beside an empty bus: lost ones say so, all tasks go on", async () => {
    const sink = await openSink();
    const original = await open();
    const taskIds = await unrecorded(original, sink);
    const lines: string[] = [];
    for await (const line of dumpLines(original.db.client)) lines.push(line);
    original.process("records").thaw();
    sink.release("/held");
    await original.stop();

    const restore = async (client: MongoClient) => void (await restoreLines(client, Readable.from(lines)));
    const since = Date.now();
    const restored = await open(restore);
    await assertGoOn(restored, taskIds, since);
    await stopAll(restored, taskIds);
    assert.match(await restored.replayCheck(), /No difference/);
  });

  it("after the stream's volume is gone while the services are down: likewise", async () => {
    const sink = await openSink();
    const cluster = await open();
    const taskIds = await unrecorded(cluster, sink);
    await Promise.all(["records", "scheduler", "executor"].map((name) => cluster.process(name).kill()));
    sink.release("/held");
    await cluster.nats.kill();
    await rm(join(cluster.nats.dir, "jetstream"), { recursive: true });
    await cluster.nats.restart();

    const since = Date.now();
    await Promise.all((["records", "scheduler", "executor"] as const).map((name) => cluster.start(name)));
    await assertGoOn(cluster, taskIds, since);
    await stopAll(cluster, taskIds);
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

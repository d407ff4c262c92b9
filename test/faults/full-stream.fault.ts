import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type JetStreamManager, type NatsConnection } from "nats";
import { progressOfGroups } from "../../shared/bus/jetstream/progress.ts";
import { durableOf, STREAM } from "../../shared/bus/jetstream/streams.ts";
import { audience } from "../../shared/contracts/audience.ts";
import type { WireRecord } from "../stories/api.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import { assertEachOccurrenceOnce } from "../stories/occurrences.ts";

const MAX_BYTES = 1_048_576;
const TASKS = 40;
const BODY_BYTES = 16_384;
const PERIOD_MS = 1000;
const RECORDED_LIMIT_MS = 40_000;

describe("a stream that is small for what flows through it", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  let nats: NatsConnection;
  let manager: JetStreamManager;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster({ NATS_STREAM_MAX_BYTES: String(MAX_BYTES), DISPATCH_AHEAD_MS: "300" });
    nats = await connect({ servers: cluster.nats.url });
    manager = await nats.jetstreamManager();
  });
  after(async () => {
    await nats?.close();
    await cluster?.stop();
    await sink?.close();
  });

  /** Nothing is written any more once every group has caught up. */
  async function allHandled(): Promise<void> {
    for (const deadline = Date.now() + RECORDED_LIMIT_MS; ; await delay(50)) {
      const last = (await manager.streams.info(STREAM)).state.last_seq;
      const behind = (await progressOfGroups(manager, { expected: [], last })).filter(
        (each) => each.waiting > 0,
      );
      if (behind.length === 0) return;
      assert.ok(Date.now() < deadline, `still behind: ${JSON.stringify(behind)}`);
    }
  }

  it("is read by the groups that events wait for, and by no others", async () => {
    const expected = Object.entries(audience).flatMap(([group, patterns]) =>
      patterns.map((pattern) => durableOf(group, pattern)),
    );
    const consumers = await manager.consumers.list(STREAM).next();
    assert.deepEqual(consumers.map(({ name }) => name).sort(), expected.sort());
  });

  it("carries many times its size, also while executors die, and each occurrence is on record once", async () => {
    const paths = Array.from({ length: TASKS }, (_, n) => `/full-${n}`);
    const taskIds = await Promise.all(
      paths.map((path) =>
        cluster.api.create({
          job_class: "http.request",
          job_params: { url: sink.url(path), method: "POST", body: "x".repeat(BODY_BYTES) },
          exec_strategy: "interval",
          expression: "1 * * * *",
          misfire_policy: "fire_all",
          overlap_policy: "allow",
        }),
      ),
    );
    const each = (count: number) => Promise.all(paths.map((path) => sink.reached(path, count)));
    await each(4);
    await cluster.process("executor").kill();
    await cluster.start("executor", { name: "executor-2" });
    await each(10);
    await cluster.start("executor", { name: "executor-3" });
    await cluster.process("executor-2").kill();
    await each(16);
    for (const taskId of taskIds) {
      const { data } = await cluster.api.post(`/scheduler/task/stop/update?data_id=${taskId}`);
      assert.equal(data, "任务暂停成功");
    }
    const events = cluster.db.collection<{ _id: string; stream: string; type: string }>("events");
    for (const taskId of taskIds) {
      // What was ordered before the stop may still wait for room.
      const ordered = await events.countDocuments({ stream: `task-${taskId}`, type: "task.due" });
      const hasEnded = ({ status }: WireRecord) => !["queued", "running", "skipped"].includes(status);
      await cluster.api.recordsWhen(
        taskId,
        (records) => records.filter(hasEnded).length === ordered,
        RECORDED_LIMIT_MS,
      );
      await assertEachOccurrenceOnce(cluster.db, taskId, PERIOD_MS);
    }
    const flowed = paths.reduce((sum, path) => sum + sink.hits(path), 0) * BODY_BYTES;
    assert.ok(flowed > 8 * MAX_BYTES, `only ${flowed} bytes went through`);
    const { state } = await manager.streams.info(STREAM);
    assert.ok(state.bytes <= 2 * MAX_BYTES, `the stream has ${state.bytes} bytes`);
  });

  it("afterwards the read models are what the events make of them", async () => {
    await allHandled();
    assert.match(await cluster.replayCheck(), /No difference/);
  });
});

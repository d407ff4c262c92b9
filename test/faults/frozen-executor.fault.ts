import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect, consumerOpts, type NatsConnection } from "nats";
import { eventually } from "../eventually.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";

const QUEUED = 5;
/** `EXECUTOR_ACK_WAIT_MS` of the stories. */
const ACK_WAIT_MS = 3000;
const REDELIVERED_LIMIT_MS = 3 * ACK_WAIT_MS;
/** How long nothing may start for a test to believe that nothing will. */
const WATCH_MS = 2000;

/** Runs of an executor that was frozen are given to another one. Nothing whose outcome is on the bus starts again. */
describe("an executor that is frozen for longer than its orders wait", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  let nats: NatsConnection;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster({ EXECUTOR_CONCURRENCY: "1" });
    nats = await connect({ servers: cluster.nats.url });
  });
  after(async () => {
    await nats?.close();
    await cluster?.stop();
    await sink?.close();
  });

  const create = (path: string) =>
    cluster.api.create({
      job_class: "http.request",
      job_params: { url: sink.url(path) },
      exec_strategy: "once",
    });
  const recorded = (taskId: string, wanted: string) =>
    cluster.api.recordsWhen(taskId, ([run]) => run?.status === wanted);

  /** Orders that the group was given again and has not settled. */
  async function redelivered(): Promise<number> {
    const manager = await nats.jetstreamManager();
    const consumers = await manager.consumers.list("KINIT").next();
    return consumers
      .filter(({ name }) => name.startsWith("executor"))
      .reduce((sum, { num_redelivered }) => sum + num_redelivered, 0);
  }

  /** When the bus took the outcome of a task's run (ms). */
  async function outcomeAt(taskId: string): Promise<number> {
    const options = consumerOpts().orderedConsumer().bindStream("KINIT").deliverAll();
    for await (const message of await nats.jetstream().subscribe("kinit.run.succeeded", options))
      if (message.json<{ data: { taskId: string } }>().data.taskId === taskId)
        return message.info.timestampNanos / 1e6;
    throw new Error("the connection to NATS ended");
  }

  it("starts nothing of its queue that another one has executed meanwhile", async () => {
    const path = (n: number) => `/queued-${n}`;
    sink.hold("/first");
    const first = await create("/first");
    await sink.reached("/first", 1);
    const queued = await Promise.all(Array.from({ length: QUEUED }, (_, n) => create(path(n))));
    await Promise.all(queued.map((taskId) => recorded(taskId, "queued")));
    const frozen = cluster.process("executor");
    frozen.freeze();
    sink.release("/first");
    await cluster.start("executor", { name: "executor-2" });
    await Promise.all([first, ...queued].map((taskId) => recorded(taskId, "succeeded")));
    frozen.thaw();
    await delay(WATCH_MS);
    assert.deepEqual(
      queued.map((_, n) => sink.hits(path(n))),
      queued.map(() => 1),
    );
    await cluster.process("executor-2").stop();
  });

  it("its outcome counts although the records cannot be asked when another one is given the run", async () => {
    const [executor, records] = [cluster.process("executor"), cluster.process("records")];
    const path = "/outcome";
    sink.hold(path);
    const taskId = await create(path);
    await sink.reached(path, 1);
    await recorded(taskId, "running");
    const [other] = await Promise.all([
      cluster.start("executor", { name: "executor-3" }),
      // From here on its answer waits in the connection.
      Promise.resolve().then(() => executor.freeze()),
    ]);
    sink.release(path);
    records.freeze();
    try {
      await eventually(async () => (await redelivered()) > 0, REDELIVERED_LIMIT_MS);
      await delay(200);
      executor.thaw();
      const endedAt = await outcomeAt(taskId);
      await delay(WATCH_MS);
      const late = sink.calledAt(path).filter((at) => at > endedAt);
      assert.deepEqual(late, [], `the outcome was on the bus at ${endedAt}`);
    } finally {
      records.thaw();
      await other.stop();
    }
    await recorded(taskId, "succeeded");
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../eventually.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

const QUEUED = 3;
/** How long nothing may start for a test to believe that nothing will. */
const WATCH_MS = 2000;

/** Its process runs all the time: no pause tells it that its runs may have been given to another executor. */
describe("an executor whose connection to NATS is silent for longer than its ack wait", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  let proxy: TcpProxy;
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster({ EXECUTOR_CONCURRENCY: "1" });
    proxy = await startTcpProxy(cluster.nats.port);
    await cluster.process("executor").stop();
    const settings = { NATS_URL: `nats://127.0.0.1:${proxy.port}` };
    await cluster.start("executor", { name: "cut-off", settings });
  });
  after(async () => {
    proxy?.restore();
    await cluster?.stop();
    await proxy?.close();
    await sink?.close();
  });

  /** Until the scheduler knows the only executor, a task is refused, as nobody can check its params. */
  async function create(path: string): Promise<string> {
    const job_params = { url: sink.url(path) };
    const task = { job_class: "http.request", job_params, exec_strategy: "once" };
    let id: string | undefined;
    await eventually(async () => {
      ({ id } = await cluster.api.tryCreate(task));
      return id !== undefined;
    }, 30_000);
    return id as string;
  }
  const recorded = (taskId: string, wanted: string) =>
    cluster.api.recordsWhen(taskId, ([run]) => run?.status === wanted);

  it("starts nothing of what it holds that another one has executed", async () => {
    const path = (n: number) => `/queued-${n}`;
    sink.hold("/first");
    const first = await create("/first");
    await sink.reached("/first", 1);
    const queued = await Promise.all(Array.from({ length: QUEUED }, (_, n) => create(path(n))));
    await Promise.all(queued.map((taskId) => recorded(taskId, "queued")));
    proxy.freeze();
    sink.release("/first");
    await cluster.start("executor", { name: "other" });
    await Promise.all([first, ...queued].map((taskId) => recorded(taskId, "succeeded")));
    proxy.restore();
    await delay(WATCH_MS);
    assert.deepEqual(
      queued.map((_, n) => sink.hits(path(n))),
      queued.map(() => 1),
    );
    // It takes part again.
    await cluster.process("other").stop();
    await recorded(await create("/after"), "succeeded");
  });
});

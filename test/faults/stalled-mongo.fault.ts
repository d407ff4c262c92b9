import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../eventually.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import type { StoryProcess } from "../stories/process.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

/** As 6.5 s are to the lease of 5 s that is the default. */
const STALL_MS = 2600;
const REPETITIONS = 2;
const CREATE_EVERY_MS = 15;
const RUN_LIMIT_MS = 20_000;
/** A commit that is not answered is given up after less than this, and everything goes on. */
const SILENCE_LIMIT_MS = 40_000;

/** A scheduler that was cut off decided things that its successor does not know. Nothing of it may get lost. */
describe("schedulers whose connections to MongoDB stall", () => {
  let cluster: Cluster;
  let sink: HttpSink;
  /** By the pid of the scheduler behind it. */
  const proxies = new Map<number, TcpProxy>();
  before(async () => {
    sink = await startHttpSink();
    cluster = await startCluster();
    for (const name of ["scheduler-2", "scheduler-3"]) {
      const proxy = await startTcpProxy(cluster.mongoPort);
      const settings = { MONGO_DB_URL: cluster.mongoUrlBy(proxy.port) };
      const { pid } = await cluster.start("scheduler", { name, settings });
      proxies.set(pid, proxy);
    }
    await cluster.process("scheduler").stop();
  });
  after(async () => {
    for (const proxy of proxies.values()) proxy.restore();
    await cluster?.stop();
    await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    await sink?.close();
  });

  const once = (path: string) => ({
    job_class: "http.request",
    job_params: { url: sink.url(path) },
    exec_strategy: "once",
  });
  const notYetRun = (created: ReadonlyMap<string, string>) =>
    [...created].filter(([path]) => sink.hits(path) === 0).map(([, taskId]) => taskId);
  async function active(): Promise<StoryProcess> {
    let found: StoryProcess | undefined;
    await eventually(async () => {
      found = (await cluster.schedulers().catch(() => undefined))?.active;
      return found !== undefined && proxies.has(found.pid);
    });
    return found as StoryProcess;
  }

  /** Creates tasks without a pause while faults happen; answers the ids of those whose creation succeeded. */
  async function createWhile(prefix: string, faults: () => Promise<void>): Promise<Map<string, string>> {
    const created = new Map<string, string>();
    const requests: Promise<void>[] = [];
    let isOver = false;
    const flow = async () => {
      for (let n = 0; !isOver; n++) {
        const path = `/${prefix}-${n}`;
        const note = ({ code, id }: { code: number; id: string | undefined }) => {
          if (code === 200 && id) created.set(path, id);
        };
        requests.push(cluster.api.tryCreate(once(path)).then(note));
        await delay(CREATE_EVERY_MS);
      }
    };
    const flowing = flow();
    try {
      await faults();
    } finally {
      isOver = true;
      await flowing;
    }
    await Promise.all(requests);
    return created;
  }
  async function assertAllRun(created: ReadonlyMap<string, string>): Promise<void> {
    assert.ok(created.size > 0);
    await eventually(() => notYetRun(created).length === 0, RUN_LIMIT_MS).catch(() => {});
    assert.deepEqual(notYetRun(created), [], `of ${created.size} tasks`);
  }

  it("every task runs whose creation succeeded while the leader's connections stalled", async () => {
    const created = await createWhile("stalled", async () => {
      for (let round = 0; round < REPETITIONS; round++) {
        const proxy = proxies.get((await active()).pid);
        proxy?.freeze();
        await delay(STALL_MS);
        proxy?.restore();
        await delay(1000);
      }
    });
    await assertAllRun(created);
  });

  it("and while the leader was frozen, its executor just before it", async () => {
    const executor = cluster.process("executor");
    const created = await createWhile("frozen", async () => {
      for (let round = 0; round < REPETITIONS; round++) {
        const scheduler = await active();
        executor.freeze();
        await delay(300);
        scheduler.freeze();
        await eventually(async () => (await active()).pid !== scheduler.pid);
        scheduler.thaw();
        executor.thaw();
        await delay(1000);
      }
    });
    await assertAllRun(created);
  });

  it("a commit that is never answered holds up the platform for no more than half a minute", async () => {
    const proxy = proxies.get((await active()).pid);
    const silenced = proxy?.silence((sent) => sent.includes("commitTransaction"));
    const unanswered = cluster.api.tryCreate(once("/unanswered"));
    await silenced;
    const until = performance.now() + SILENCE_LIMIT_MS;
    let isReported = false;
    const watch = async () => {
      while (!isReported && performance.now() < until) {
        isReported = !(await isComplete());
        await delay(200);
      }
    };
    const watching = watch();
    const { code } = await unanswered;
    await runsWithin("/next", until);
    await watching;
    assert.ok(isReported, "/ready reports that nothing is sent");
    if (code === 200) await sink.reached("/unanswered", 1);
    await assertAllRun(await createWhile("afterwards", () => delay(200)));
    // Until the silent connection is given up.
    await eventually(isComplete, SILENCE_LIMIT_MS);
  });

  /** Creates tasks until one of them has run. */
  async function runsWithin(path: string, until: number): Promise<void> {
    const isOver = () => sink.hits(path) > 0 || performance.now() > until;
    while (!isOver()) {
      await cluster.api.tryCreate(once(path));
      await eventually(isOver, 1000).catch(() => {});
    }
    assert.ok(sink.hits(path) > 0, "nothing has run since the commit");
  }

  /** Whether /ready reports nothing, not even a warning. */
  async function isComplete(): Promise<boolean> {
    const { code, data } = await cluster.api.get("/ready");
    const { checks } = data as { checks: readonly { ok: boolean; warning?: string }[] };
    return code === 200 && checks.every(({ ok, warning }) => ok && warning === undefined);
  }
});

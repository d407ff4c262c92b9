import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { startEmbeddedMongo } from "@kinit/embedded-mongo";
import { dumpLines } from "@kinit/embedded-mongo/dump";
import { restoreLines } from "@kinit/embedded-mongo/restore";
import { type Db, type Filter, MongoClient } from "mongodb";
import { connect } from "nats";
import type { RecordDocument } from "../../services/records/record/record-document.ts";
import { identityOf } from "../../shared/bus/jetstream/streams.ts";
import type { NatsServer } from "../bus/nats-server.ts";
import { eventually } from "../eventually.ts";
import { type Api, httpApi, type WireRecord } from "../stories/api.ts";
import { type Cluster, startCluster } from "../stories/cluster.ts";
import { type HttpSink, startHttpSink } from "../stories/http-sink.ts";
import { startProcess } from "../stories/process.ts";

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
  async function assertGoOn(db: Db, taskIds: readonly string[], since: number): Promise<void> {
    const records = db.collection<RecordDocument>("scheduler_task_record");
    const found = (query: Filter<RecordDocument>) => records.find(query).toArray();
    const newer = { status: "succeeded", start_datetime: { $gt: new Date(since) } } as const;
    for (const task_id of taskIds) {
      await eventually(async () => (await found({ task_id, ...newer })).length > 0, SECONDS_MS);
      // The task may have gone on before: by its record, not by the task, it is known what became of the run.
      await eventually(async () => (await found({ task_id, status: "lost" })).length > 0, SECONDS_MS);
      for (const { exception } of await found({ task_id, status: "lost" }))
        assert.match(exception ?? "", /no executor holds it/);
    }
    const left = { open_until: { $exists: true }, start_datetime: { $lt: new Date(since) } } as const;
    await eventually(async () => (await found(left)).length === 0);
  }

  async function stopAll(api: Api, taskIds: readonly string[]): Promise<void> {
    await Promise.all(taskIds.map((id) => api.post(`/scheduler/task/stop/update?data_id=${id}`)));
    for (const taskId of taskIds) {
      const isOpen = ({ status }: WireRecord) => ["queued", "running"].includes(status);
      await api.recordsWhen(taskId, (records) => !records.some(isOpen));
    }
  }

  describe("because the database was restored from a copy of the running system", () => {
    const lines: string[] = [];
    let taskIds: readonly string[];
    before(async () => {
      const sink = await openSink();
      const original = await open();
      taskIds = await unrecorded(original, sink);
      for await (const line of dumpLines(original.db.client)) lines.push(line);
      original.process("records").thaw();
      sink.release("/held");
      await original.stop();
    });
    const restore = async (client: MongoClient) => void (await restoreLines(client, Readable.from(lines)));

    it("beside an empty bus: what was lost is recorded so, and all tasks go on", async () => {
      const since = Date.now();
      const restored = await open(restore);
      await assertGoOn(restored.db, taskIds, since);
      await stopAll(restored.api, taskIds);
      assert.match(await restored.replayCheck(), /No difference/);
    });

    it("for everything in one process: likewise", async () => {
      const dir = await mkdtemp(join(tmpdir(), "kinit-restored-"));
      stops.push(() => rm(dir, { recursive: true, force: true }));
      await withStore(dir, restore);
      const since = Date.now();
      const env = {
        DATA_DIR: dir,
        SERVER_PORT: "0",
        HTTP_REQUEST_ALLOW_PRIVATE: "true",
        MONGO_DB_NAME: "story",
        TIMEZONE: "UTC",
      };
      const platform = startProcess("tools/run.mjs", ["start"], env);
      stops.push(() => platform.stop());
      const [, address = ""] = await platform.line(/listens on (http\S+)/);
      const api = httpApi(address);
      for (const taskId of taskIds) await api.recordsWhen(taskId, hasRunSince(since), SECONDS_MS);
      await stopAll(api, taskIds);
      await platform.stop();
      await withStore(dir, (client) => assertGoOn(client.db("story"), taskIds, since));
      const check = startProcess("tools/run.mjs", ["kinit", "replay", "--check"], env);
      await check.line(/No difference/);
    });
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
    await assertGoOn(cluster.db, taskIds, since);
    await stopAll(cluster.api, taskIds);
    assert.match(await cluster.replayCheck(), /No difference/);
  });

  it("what is slow is not lost: runs that wait for an executor, or that a frozen one holds", async () => {
    const sink = await openSink();
    const cluster = await open();
    const { api, db, nats, process } = cluster;
    const once = (path: string) =>
      api.create({
        job_class: "http.request",
        job_params: { url: sink.url(path) },
        exec_strategy: "once",
        is_active: false,
      });
    const run = (taskId: string) => api.post(`/scheduler/task/run/create?data_id=${taskId}`);
    sink.hold("/held");
    const [held, ...waiting] = await Promise.all(["/held", "/a", "/b"].map(once));
    await run(held as string);
    await sink.reached("/held", 1);
    process("executor").freeze();
    await nats.kill();
    await rm(join(nats.dir, "jetstream"), { recursive: true });
    await nats.restart();
    // The frozen executor may hold runs that are on no stream any more.
    await process("records").line(
      /cannot be looked for yet.*out of reach|out of reach.*cannot be looked for yet/,
    );
    for (const taskId of waiting) assert.equal((await run(taskId)).code, 200);
    process("executor").thaw();
    await eventually(async () => (await knownBus(db)) === (await currentBus(nats)), SECONDS_MS);
    sink.release("/held");
    for (const taskId of [held as string, ...waiting]) {
      const records = await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
      assert.equal(records.length, 1);
    }
    assert.deepEqual([sink.hits("/held"), sink.hits("/a")], [1, 1]);
  });
});

/** A run of the restored system; what went before it ended before. */
const hasRunSince = (since: number) => (records: readonly WireRecord[]) =>
  records.some(
    ({ status, start_datetime }) => status === "succeeded" && Date.parse(`${start_datetime}Z`) > since,
  );

async function withStore(dir: string, work: (client: MongoClient) => Promise<void>): Promise<void> {
  const mongo = await startEmbeddedMongo({ dir: join(dir, "mongo") });
  const client = await new MongoClient(mongo.url).connect();
  try {
    await work(client);
  } finally {
    await client.close();
    await mongo.close();
  }
}

const knownBus = async (db: Db) => (await db.collection("known_bus").findOne({}))?.identity;

async function currentBus({ url }: NatsServer): Promise<string> {
  const nats = await connect({ servers: url });
  try {
    return await identityOf(await nats.jetstreamManager());
  } finally {
    await nats.close();
  }
}

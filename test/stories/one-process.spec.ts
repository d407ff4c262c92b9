import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startEmbeddedMongo } from "@kinit/embedded-mongo";
import { MongoClient } from "mongodb";
import { type Api, httpApi } from "./api.ts";
import { type HttpSink, startHttpSink } from "./http-sink.ts";
import { assertEachOccurrenceOnce } from "./occurrences.ts";
import { type StoryProcess, startProcess } from "./process.ts";

describe("everything in one process, nothing configured", () => {
  let dir: string;
  let sink: HttpSink;
  let platform: StoryProcess;
  let api: Api;

  async function start(): Promise<void> {
    const env = { DATA_DIR: dir, SERVER_PORT: "0", HTTP_REQUEST_ALLOW_PRIVATE: "true" };
    platform = startProcess("tools/run.mjs", ["start"], env);
    const [, address = ""] = await platform.line(/listens on (http\S+)/);
    api = httpApi(address);
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-one-"));
    sink = await startHttpSink();
    await start();
  });
  after(async () => {
    await platform?.stop();
    await sink?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const request = (path: string) => ({ job_class: "http.request", job_params: { url: sink.url(path) } });
  const demonstration = { job_class: "test.main.Test", job_params: { name: "kinit", age: 3 } };

  it("runs the documented interval and cron examples and a once task", async () => {
    const interval = await api.create({
      ...demonstration,
      exec_strategy: "interval",
      expression: "3 * * * *",
    });
    const cron = await api.create({ ...demonstration, exec_strategy: "cron", expression: "*/2 * * * * ?" });
    const once = await api.create({ ...demonstration, exec_strategy: "once" });
    for (const taskId of [interval, cron, once]) {
      const records = await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
      assert.equal(JSON.parse(records[0]?.retval ?? "null"), "任务执行完成");
    }
    for (const taskId of [interval, cron]) await api.post(`/scheduler/task/stop/update?data_id=${taskId}`);
  });

  it("is ready, its embedded store included", async () => {
    const { data } = await api.get("/ready");
    const { checks } = data as { checks: readonly { name: string; ok: boolean }[] };
    assert.ok(checks.every(({ ok }) => ok));
    assert.ok(checks.some(({ name }) => name === "embedded store"));
  });

  it("refuses what is wrong, says what would be right, and stores nothing", async () => {
    const before = await api.get("/scheduler/task/list/query?limit=0");
    const good = { name: "bad", is_active: true, ...demonstration, exec_strategy: "once" };
    const bad: [object, RegExp][] = [
      [{ ...good, exec_strategy: "cron", expression: "* 99 * * * ?" }, /无效的 Cron 表达式/],
      [{ ...good, exec_strategy: "interval", expression: "x * * * *" }, /无效的 interval 表达式/],
      [{ ...good, job_class: "nobody.main.Knows" }, /未找到该模块/],
      [{ ...good, job_params: { name: "kinit" } }, /参数传递错误.*age/],
      [{ ...good, timezone: "Mars/Olympus" }, /无效的时区.*Asia\/Shanghai/],
      [{ ...good, name: undefined }, /Field required/],
    ];
    for (const [body, message] of bad) {
      const response = await api.post("/scheduler/task/create", body);
      assert.equal(response.code, 400, JSON.stringify(response));
      assert.match(response.message, message);
    }
    const malformed = await api.get("/scheduler/task/one/query?data_id=xyz");
    assert.equal(malformed.code, 400);
    assert.match(malformed.message, /data_id/);
    const after = await api.get("/scheduler/task/list/query?limit=0");
    assert.equal(after.total, before.total);
  });

  it("killed while tasks run and started again: what was due meanwhile is on record once, nothing twice", async () => {
    sink.hold("/long");
    const long = await api.create({ ...request("/long"), exec_strategy: "once" });
    const everySecond = await api.create({
      ...request("/second"),
      exec_strategy: "interval",
      expression: "1 * * * *",
    });
    await sink.reached("/long", 1);
    await sink.reached("/second", 3);
    await platform.kill();
    await delay(3500);
    await start();
    await sink.reached("/long", 2);
    sink.release("/long");
    const hits = sink.hits("/second");
    await sink.reached("/second", hits + 2);
    await api.post(`/scheduler/task/stop/update?data_id=${everySecond}`);
    const records = await api.recordsWhen(long, ([first]) => first?.status === "succeeded");
    assert.deepEqual(
      records.map(({ attempts }) => attempts.map(({ outcome }) => outcome)),
      [[null, "succeeded"]],
    );
    await api.recordsWhen(everySecond, (all) =>
      all.every(({ status }) => !["queued", "running"].includes(status)),
    );
    assert.equal(await platform.stop(), 0);
    const { skips } = await withStore((db) => assertEachOccurrenceOnce(db, everySecond, 1000));
    assert.ok(skips >= 2, "what was due while nobody was there is stated");
    await assertNoDifference();
    await start();
  });

  it("stops cleanly: what runs ends and is on record", async () => {
    const taskId = await api.create({ ...demonstration, exec_strategy: "once" });
    await api.recordsWhen(taskId, ([first]) => first?.status === "running");
    assert.equal(await platform.stop(), 0, platform.output());
    await start();
    const records = await api.records(taskId);
    assert.deepEqual(
      records.map(({ status, attempts }) => [status, attempts.length]),
      [["succeeded", 1]],
    );
  });

  async function withStore<T>(look: (db: ReturnType<MongoClient["db"]>) => Promise<T>): Promise<T> {
    const mongo = await startEmbeddedMongo({ dir: join(dir, "mongo") });
    const client = await new MongoClient(mongo.url).connect();
    try {
      return await look(client.db("kinit"));
    } finally {
      await client.close();
      await mongo.close();
    }
  }

  async function assertNoDifference(): Promise<void> {
    const check = startProcess("tools/run.mjs", ["kinit", "replay", "--check"], { DATA_DIR: dir });
    await check.line(/No difference/);
    assert.equal(await check.ended(), 0);
  }
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { objectId } from "../../shared/ids.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { everySecond, type Platform, startPlatform } from "../platform.ts";

const LIMIT = 20;
const SERVICES = ["executor", "scheduler", "records", "gateway"] as const;
const SETTINGS = {
  MANUAL_RUNS_PER_MINUTE: String(LIMIT),
  MOLECULER_CALL_ALLOW: "scheduler.runNow",
  SERVER_PORT: "0",
  SCHEDULER_LEASE_MS: "1000",
};

describe("a task that runs itself", () => {
  let mongo: TestMongo;
  let platform: Platform;
  const taskId = objectId();
  before(async () => {
    mongo = await startTestMongo();
    platform = await startPlatform({ mongo, services: SERVICES, settings: SETTINGS });
  });
  after(async () => {
    await platform?.stop();
    await mongo?.close();
  });

  const isLimited = { type: "RATE_LIMITED", code: 429 };

  it("comes to an end", async () => {
    await platform.call("scheduler.create", {
      ...everySecond,
      taskId,
      strategy: "once",
      handler: "moleculer.call",
      params: { action: "scheduler.runNow", params: { taskId } },
      isActive: true,
    });
    const records = await platform.recordsWhen(
      taskId,
      (all) => all.length > LIMIT && all.every(({ endedAt }) => endedAt !== null),
    );
    assert.equal(records.length, 1 + LIMIT);
    const failed = records.filter(({ status }) => status === "failed");
    assert.deepEqual(
      failed.map(({ error }) => error?.type),
      ["RATE_LIMITED"],
    );
  });

  it("is refused over HTTP with the time to wait", async () => {
    const { address } = platform;
    const response = await fetch(`${address}/scheduler/task/run/create?data_id=${taskId}`, {
      method: "POST",
    });
    const { code, message } = (await response.json()) as { code: number; message: string };
    assert.deepEqual([response.status, code], [429, 429]);
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 60, `${seconds}`);
    assert.match(message, /20 次（MANUAL_RUNS_PER_MINUTE），请在 \d+ 秒后重试/);
  });

  it("is refused by the next scheduler too", async () => {
    await platform.stop();
    platform = await startPlatform({
      mongo,
      services: SERVICES,
      settings: { ...SETTINGS, MONGO_DB_NAME: platform.config.mongoDatabase },
    });
    await eventually(async () => (await platform.call("scheduler.status", {})).active);
    await assert.rejects(platform.call("scheduler.runNow", { taskId }), isLimited);
  });

  it("leaves other tasks alone", async () => {
    const other = await platform.create({ params: { name: "kinit", age: 3 }, isActive: false });
    await platform.call("scheduler.runNow", { taskId: other });
  });
});

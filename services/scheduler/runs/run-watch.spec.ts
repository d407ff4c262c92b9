import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../../shared/clock.ts";
import { endsAndHolds } from "../../../test/ends-and-holds.ts";
import { eventually } from "../../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { type Platform, startPlatform } from "../../../test/platform.ts";
import { executorService } from "../../executor/executor.service.ts";

describe("runs that are open for long", { concurrency: 3 }, () => {
  let mongo: TestMongo;
  before(async () => {
    mongo = await startTestMongo();
  });
  after(() => mongo?.close());

  const start = (more: object = {}) => {
    const { handlers, release } = endsAndHolds();
    return startPlatform({ mongo, handlers, settings: { DRAIN_MS: "0" }, ...more }).then((platform) => ({
      platform,
      handlers,
      release,
    }));
  };
  const holding = { name: "holding", handler: "test.holds", params: {} };
  const openRunsOf = async ({ db }: Platform) =>
    (await db.collection("scheduler_task_list").findOne({}))?.running;

  it("are lost and do not block their task once they are nowhere", async () => {
    const { platform: first } = await start();
    const taskId = await first.create(holding);
    await first.recordsWhen(taskId, ([record]) => record?.status === "running");
    await first.stop();
    // The state after the bus has lost its newest events: the dispatch counts as sent and is nowhere.
    await first.db.collection("outboxes").deleteMany({});
    const known = first.db.collection<{ _id: string; identity: string }>("known_bus");
    await known.updateOne({ _id: "records" }, { $set: { identity: "local" } }, { upsert: true });
    const { platform, release } = await start({
      settings: { DRAIN_MS: "0", MONGO_DB_NAME: first.config.mongoDatabase },
    });
    try {
      const records = () => platform.records(taskId);
      await eventually(async () => (await records()).some(({ status }) => status === "lost"));
      await eventually(async () => (await records()).some(({ status }) => status === "running"));
      const [lost] = (await records()).filter(({ status }) => status === "lost");
      assert.match(lost?.error?.message ?? "", /no executor holds it/);
    } finally {
      release();
      await platform.stop();
    }
  });

  it("stay open while an executor works on them", async () => {
    const { platform, release } = await start();
    try {
      const taskId = await platform.create(holding);
      await platform.recordsWhen(taskId, ([record]) => record?.status === "running");
      const skips = async () =>
        (await platform.records(taskId)).filter(({ status }) => status === "skipped").length;
      await eventually(async () => (await skips()) >= 16);
      assert.deepEqual((await platform.call("scheduler.status", {})).skipping, []);
      assert.equal((await openRunsOf(platform)).length, 1);
    } finally {
      release();
      await platform.stop();
    }
  });

  it("are not lost while they wait for an executor, and their task is reported as skipping", async () => {
    const { platform, handlers } = await start();
    try {
      const taskId = await platform.create({ ...holding, handler: "test.ends" });
      await platform.broker.destroyService("executor");
      const skipping = async () => (await platform.call("scheduler.status", {})).skipping;
      await eventually(async () => (await skipping()).length > 0);
      assert.partialDeepStrictEqual(await skipping(), [{ taskId, name: "holding", place: "outbox" }]);
      const { config } = platform;
      platform.broker.createService(executorService({ handlers, clock: systemClock, config }));
      const records = () => platform.records(taskId);
      await eventually(
        async () => (await records()).filter(({ status }) => status === "succeeded").length > 1,
      );
      await eventually(async () => (await skipping()).length === 0);
      assert.ok((await records()).every(({ status }) => status !== "lost"));
    } finally {
      await platform.stop();
    }
  });
});

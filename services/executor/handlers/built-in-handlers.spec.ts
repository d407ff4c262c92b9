import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AppError } from "../../../shared/errors.ts";
import { objectId } from "../../../shared/ids.ts";
import { someActionsOf } from "../../../shared/service.ts";
import { ExecutorFixture, type RunEnvelope } from "../executor.fixture.ts";
import { builtInHandlers } from "./built-in-handlers.ts";

describe("built-in handlers, run by an executor", () => {
  const crawls: unknown[] = [];
  const crawler = {
    name: "crawler",
    actions: someActionsOf("crawler", {
      crawl(params, { requestID }) {
        crawls.push({ ...params, requestID });
        if (crawls.length === 1) return { count: 30 };
        throw new AppError("the list answered 500", { type: "CRAWL_BAD_STATUS", retryable: true });
      },
    }),
  };
  const math = {
    name: "math",
    actions: {
      add: (ctx: { params: { a: number; b: number } }) => ctx.params.a + ctx.params.b,
      given: (ctx: { params: unknown }) => ctx.params,
      never: () => new Promise(() => {}),
    },
  };
  const fixture = new ExecutorFixture({
    handlers: builtInHandlers({ httpAllowPrivate: true, moleculerCallAllow: ["math.*", "crawler.crawl"] }),
    services: [crawler, math],
  });
  before(() => fixture.start());
  after(() => fixture.stop());

  const failure = (event: RunEnvelope) => {
    assert.equal(event.type, "run.failed");
    return (event.data as Extract<RunEnvelope, { type: "run.failed" }>["data"]).error;
  };
  const success = (event: RunEnvelope) => {
    assert.equal(event.type, "run.succeeded", JSON.stringify(event.data));
    return event.data as Extract<RunEnvelope, { type: "run.succeeded" }>["data"];
  };

  it("test.main.Test logs its params, waits two seconds and returns the original's result", async () => {
    const params = { name: "kinit", age: 3 };
    const event = success(await fixture.run({ handler: "test.main.Test", params }));
    assert.equal(event.result, "任务执行完成");
    const took = Date.parse(event.endedAt) - Date.parse(event.startedAt);
    assert.ok(took >= 1999 && took < 3000, `${took} ms`);
    const lines = fixture
      .of(event.runId)
      .flatMap(({ type, data }) => (type === "run.logged" ? data.lines : []));
    assert.equal(lines[0]?.message, "name: kinit, age: 3");
  });

  it("test.main.Test can be aborted", async () => {
    const params = { name: "kinit", age: 3 };
    const event = await fixture.run({ handler: "test.main.Test", params, timeoutMs: 50 });
    assert.equal(event.type, "run.timed_out");
  });

  it("bilibili_hot_new.main.BilibiliHotNew crawls with the run's id", async () => {
    const run = { handler: "bilibili_hot_new.main.BilibiliHotNew", runId: objectId() };
    const { due } = fixture.send(run);
    const event = success(await fixture.ended(run.runId));
    assert.equal(event.result, "任务执行完成");
    assert.equal(event.log?.[0]?.message, "30 rows stored");
    assert.deepEqual(crawls, [{ site: "bilibili", crawlId: run.runId, requestID: due.id }]);
  });

  it("bilibili_hot_new.main.BilibiliHotNew fails with the crawl's cause", async () => {
    const run = { handler: "bilibili_hot_new.main.BilibiliHotNew", params: { task_id: "7" } };
    const event = await fixture.run(run);
    assert.deepEqual(
      [failure(event).type, failure(event).message],
      ["CRAWL_BAD_STATUS", "the list answered 500"],
    );
    assert.equal((event.data as { retryable?: boolean }).retryable, true);
  });

  const moleculer = (params: object) => fixture.run({ handler: "moleculer.call", params: { ...params } });
  it("moleculer.call returns the action's response", async () => {
    assert.equal(success(await moleculer({ action: "math.add", params: { a: 2, b: 3 } })).result, 5);
  });

  it("moleculer.call passes nulls on, and accepts null for its optional params", async () => {
    const params = { action: "math.given", params: { group: null, rows: [null] }, timeoutMs: null };
    assert.equal(await fixture.call("executor.validate", { handler: "moleculer.call", params }), null);
    assert.deepEqual(success(await moleculer(params)).result, { group: null, rows: [null] });
  });

  it("moleculer.call reports an action that no service offers", async () => {
    const { type, message } = failure(await moleculer({ action: "math.subtract" }));
    assert.equal(type, "ACTION_UNKNOWN");
    assert.match(message, /No service offers the action math\.subtract/);
  });

  it("moleculer.call ends at its own limit", async () => {
    const event = failure(await moleculer({ action: "math.never", timeoutMs: 50 }));
    assert.equal(event.type, "REQUEST_TIMEOUT");
  });

  it("moleculer.call ends with its run", async () => {
    const params = { action: "math.never" };
    const event = await fixture.run({ handler: "moleculer.call", params, timeoutMs: 50 });
    assert.equal(event.type, "run.timed_out");
    assert.ok(Date.parse(event.data.endedAt as string) - Date.parse(event.data.startedAt as string) < 1000);
  });

  for (const action of ["$node.list", "executor.revoke", "auth.setLogin", "crawler.status", "mail.send"]) {
    it(`moleculer.call rejects ${action}`, async () => {
      const params = { action };
      await assert.rejects(fixture.call("executor.validate", { handler: "moleculer.call", params }), {
        type: "HANDLER_PARAMS_INVALID",
        message: /action is not allowed by MOLECULER_CALL_ALLOW/,
      });
      assert.equal(failure(await moleculer(params)).type, "HANDLER_PARAMS_INVALID");
    });
  }
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { AppError } from "../../shared/errors.ts";
import { ExecutorFixture, type RunEnvelope } from "./executor.fixture.ts";
import { defineHandler, type HandlerContext } from "./handler/define-handler.ts";

const handler = (
  name: string,
  run: (params: unknown, context: HandlerContext) => unknown,
  timeoutMs?: number,
) => defineHandler({ name, title: name, params: { value: "any|optional" }, timeoutMs, run });

/** Settled by a test, so that a handler ends when the test wants it. */
const gate = Promise.withResolvers<void>();

const handlers = [
  handler("t.echo", (params) => params),
  handler("t.nothing", () => undefined),
  handler("t.ours", async (_, { attempt }) => {
    throw new AppError(`attempt ${attempt} rejected`, { type: "HTTP_STATUS", retryable: true });
  }),
  handler("t.null", () => {
    throw null;
  }),
  handler("t.bigint", async () => 1n),
  handler("t.thenable", () => ({
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    then(resolve: (value: string) => void) {
      resolve("first");
      resolve("second");
    },
  })),
  handler("t.hostile", () => ({
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    get then() {
      throw new Error("no then");
    },
  })),
  handler("t.sleep", (_, { signal }) => sleep(60_000, "slept", { signal })),
  handler("t.brief", (_, { signal }) => sleep(60_000, "slept", { signal }), 40),
  handler("t.deaf", () => gate.promise),
  handler("t.log", (_, { log }) => {
    log.debug("one");
    log.error("two");
  }),
  handler("t.chatty", async (_, { log, progress, signal }) => {
    for (let line = 0; line < 1200; line++) log.info(`line ${line}`);
    progress(10, "begun");
    await sleep(400, undefined, { signal });
    for (let percent = 11; percent <= 90; percent++) progress(percent);
    log.info("last line");
    progress(Number.NaN);
    progress(250, "done");
  }),
  handler("t.block", () => {
    const until = Date.now() + 300;
    while (Date.now() < until);
  }),
  handler("t.blockLater", async () => {
    await sleep(1);
    const until = Date.now() + 300;
    while (Date.now() < until);
  }),
];

describe("executor", () => {
  const fixture = new ExecutorFixture({ handlers });
  const data = <T extends RunEnvelope["type"]>(event: RunEnvelope, type: T) => {
    assert.equal(event.type, type);
    return event.data as Extract<RunEnvelope, { type: T }>["data"];
  };
  before(() => fixture.start());
  after(() => fixture.stop());

  describe("ends a run with one event", () => {
    it("that contains the result, the attempt, its times and its cause", async () => {
      const { due, sent } = fixture.send({ handler: "t.echo", params: { value: [1, { a: null }] } });
      await sent;
      const [event, ...others] = fixture.of(due.data.runId);
      assert.deepEqual(others, []);
      assert.ok(event);
      const { startedAt, endedAt, ...rest } = data(event, "run.succeeded");
      assert.deepEqual(rest, {
        runId: due.data.runId,
        taskId: due.data.taskId,
        attempt: 1,
        delivery: 1,
        executor: "executor-under-test",
        plannedAt: due.data.plannedAt,
        result: { value: [1, { a: null }] },
      });
      assert.ok(due.data.plannedAt <= startedAt && startedAt <= endedAt);
      assert.equal(event.subject, `run-${due.data.runId}`);
      assert.deepEqual([event.causationid, event.correlationid], [due.id, due.id]);
      assert.equal(event.dataschema, "run.succeeded/1");
    });

    it("without a result if the handler returns nothing", async () => {
      const event = await fixture.run({ handler: "t.nothing" });
      assert.equal("result" in data(event, "run.succeeded"), false);
    });

    it("with type, message, stack and retryable if the handler throws", async () => {
      const event = data(await fixture.run({ handler: "t.ours", attempt: 3 }), "run.failed");
      assert.equal(event.error.type, "HTTP_STATUS");
      assert.equal(event.error.message, "attempt 3 rejected");
      assert.match(event.error.stack ?? "", /executor\.service\.spec\.ts/);
      assert.equal(event.retryable, true);
      assert.equal(event.attempt, 3);
    });

    it("if the handler throws a value that is not an error", async () => {
      const event = data(await fixture.run({ handler: "t.null" }), "run.failed");
      assert.equal(event.error.message, "The handler threw null");
    });

    it("if the handler returns a thenable, however it behaves", async () => {
      const event = data(await fixture.run({ handler: "t.thenable" }), "run.succeeded");
      assert.equal(event.result, "first");
      const hostile = data(await fixture.run({ handler: "t.hostile" }), "run.failed");
      assert.equal(hostile.error.message, "no then");
    });

    it("if the result cannot be recorded", async () => {
      const event = data(await fixture.run({ handler: "t.bigint" }), "run.failed");
      assert.equal(event.error.type, "RESULT_NOT_SERIALISABLE");
    });

    it("if the handler is unknown or rejects the params", async () => {
      const unknown = data(await fixture.run({ handler: "t.unknown" }), "run.failed");
      assert.equal(unknown.error.type, "HANDLER_UNKNOWN");
      const rejected = data(await fixture.run({ handler: "t.echo", params: { other: 1 } }), "run.failed");
      assert.equal(rejected.error.type, "HANDLER_PARAMS_INVALID");
      assert.match(rejected.error.message, /^other is unknown/);
    });
  });

  describe("limits the time of a run", () => {
    it("by the task's own limit", async () => {
      const event = data(await fixture.run({ handler: "t.sleep", timeoutMs: 60 }), "run.timed_out");
      assert.equal(event.timeoutMs, 60);
      const took = Date.parse(event.endedAt) - Date.parse(event.startedAt);
      assert.ok(took >= 60 && took < 1000, `${took} ms`);
    });

    it("by the handler's limit if the task has none", async () => {
      assert.equal(data(await fixture.run({ handler: "t.brief" }), "run.timed_out").timeoutMs, 40);
    });

    it("even if the handler ignores it, which is then logged", async () => {
      const event = data(await fixture.run({ handler: "t.deaf", timeoutMs: 50 }), "run.timed_out");
      const took = Date.parse(event.endedAt) - Date.parse(event.startedAt);
      assert.ok(took >= 2050 && took < 4000, `${took} ms`);
      const warned = () =>
        fixture.logged.find(
          ({ fields, text }) => fields.handler === "t.deaf" && text.includes("ignored its abort"),
        );
      assert.equal((await fixture.until(warned, "the warning")).level, "warn");
      gate.resolve();
    });
  });

  describe("publishes what a run logs", () => {
    it("with its final event, if the run is short", async () => {
      const { runId } = await fixture.run({ handler: "t.log" }).then(({ data }) => data);
      const events = fixture.of(runId);
      assert.deepEqual(
        events.map(({ type }) => type),
        ["run.succeeded"],
      );
      const { log } = data(events[0] as RunEnvelope, "run.succeeded");
      assert.deepEqual(
        log?.map(({ level, message }) => `${level} ${message}`),
        ["debug one", "error two"],
      );
    });

    it("in batches while it runs, and its last progress before its end", async () => {
      const { runId } = await fixture.run({ handler: "t.chatty" }).then(({ data }) => data);
      const events = fixture.of(runId);
      assert.deepEqual(
        events.map(({ type }) => type),
        [
          "run.started",
          "run.progressed",
          "run.logged",
          "run.logged",
          "run.progressed",
          "run.logged",
          "run.succeeded",
        ],
      );
      const lines = events.flatMap((event) => (event.type === "run.logged" ? event.data.lines : []));
      assert.equal(lines.length, 1201);
      assert.equal(lines.at(-1)?.message, "last line");
      const progress = events.flatMap((event) => (event.type === "run.progressed" ? event.data : []));
      assert.deepEqual(
        progress.map(({ percent, message }) => [percent, message]),
        [
          [10, "begun"],
          [100, "done"],
        ],
      );
    });
  });

  it("logs a handler that blocks the event loop", async () => {
    const warned = (part: object) => () =>
      fixture.logged.find(
        ({ fields, text }) =>
          text.includes("blocked") && isDeepStrictEqual({ ...fields, ms: 0 }, { ...part, ms: 0 }),
      );
    await fixture.run({ handler: "t.block" });
    await fixture.until(warned({ handler: "t.block" }), "the warning");
    await fixture.run({ handler: "t.blockLater" });
    await fixture.until(warned({ handlers: ["t.blockLater"] }), "the second warning");
  });

  it("returns its handlers and validates params", async () => {
    const known = await fixture.call("executor.handlers", {});
    assert.equal(known.length, handlers.length);
    assert.equal(await fixture.call("executor.validate", { handler: "t.echo", params: { value: 1 } }), null);
    await assert.rejects(fixture.call("executor.validate", { handler: "t.echos", params: {} }), {
      type: "HANDLER_UNKNOWN",
      message: /^No handler is named t.echos; /,
    });
    await assert.rejects(fixture.call("executor.validate", { handler: "t.echo", params: { v: 1 } }), {
      type: "HANDLER_PARAMS_INVALID",
    });
  });
});

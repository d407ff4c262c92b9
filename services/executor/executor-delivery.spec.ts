import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, BusUnavailable } from "../../shared/bus/bus.ts";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import { isRunEnded } from "../../shared/contracts/run-events.ts";
import type { RunVerdict } from "../../shared/contracts/scheduler-actions.ts";
import { AppError } from "../../shared/errors.ts";
import { objectId } from "../../shared/ids.ts";
import { someActionsOf } from "../../shared/service.ts";
import { ABORT_GRACE_MS } from "./attempt/attempt-state.ts";
import { ExecutorFixture, type FixtureOptions } from "./executor.fixture.ts";
import { defineHandler, type HandlerContext } from "./handler/define-handler.ts";

describe("deliveries to an executor", () => {
  let fixture: ExecutorFixture;
  /** Run ids in the order their handlers were called, with the instant. */
  let calls: { runId: string; at: number }[];
  let release: PromiseWithResolvers<void>;
  let verdict: RunVerdict | undefined;
  const revoked = new Set<string>();
  let confirmations: number;
  let confirmed: ActionParams<"scheduler.confirmRuns">["runs"][number][];

  const start = async (options: Partial<FixtureOptions> = {}) => {
    calls = [];
    release = Promise.withResolvers();
    verdict = undefined;
    confirmations = 0;
    confirmed = [];
    const called = ({ runId }: HandlerContext) => {
      calls.push({ runId, at: Date.now() });
      fixture.changed();
    };
    const define = (name: string, run: (context: HandlerContext) => unknown) =>
      defineHandler({
        name,
        title: name,
        params: {},
        run: (_, context) => {
          called(context);
          return run(context);
        },
      });
    fixture = new ExecutorFixture({
      handlers: [
        define("t.quick", () => null),
        define("t.blocked", ({ signal }) => {
          signal.addEventListener("abort", () => release.reject(signal.reason));
          return release.promise;
        }),
        define("t.stubborn", () => release.promise),
        define("t.sleep", ({ signal }) => sleep(60_000, undefined, { signal })),
      ],
      ...options,
    });
    return fixture.start();
  };
  const scheduler = {
    name: "scheduler",
    actions: someActionsOf("scheduler", {
      confirmRuns({ runs }) {
        confirmations += 1;
        confirmed.push(...runs);
        fixture.changed();
        const known = verdict;
        if (!known) throw new Error("the store is unavailable");
        return { verdicts: runs.map(({ runId }) => (revoked.has(runId) ? "revoked" : known)) };
      },
    }),
  };
  const begun = (runId: string) =>
    fixture.until(() => calls.find((each) => each.runId === runId), `the begin of run ${runId}`);
  const inFuture = (ms: number) => new Date(Date.now() + ms).toISOString();
  afterEach(async () => {
    release.resolve();
    await fixture.stop();
  });

  describe("starts a run", () => {
    it("at its planned time and never before, even a thousand at once", async () => {
      await start({ config: { executorConcurrency: 10_000 } });
      const planned = [60, 120, 121, 200].map(inFuture);
      const runs = Array.from({ length: 1000 }, (_, index) => planned[index < 400 ? 0 : index % 4]);
      await Promise.all(runs.map((plannedAt) => fixture.send({ handler: "t.quick", plannedAt }).sent));
      const plannedOf = new Map(fixture.events.map(({ data }) => [data.runId, Date.parse(data.plannedAt)]));
      assert.equal(calls.length, 1000);
      for (const { runId, at } of calls) {
        const late = at - (plannedOf.get(runId) as number);
        assert.ok(late >= 0, `${-late} ms early`);
      }
    });

    it("once a slot is free, the earliest first", async () => {
      await start({ config: { executorConcurrency: 1 } });
      const first = fixture.send({ handler: "t.blocked" });
      await begun(first.runId);
      const late = fixture.send({ handler: "t.quick", plannedAt: inFuture(-1000) });
      const later = fixture.send({ handler: "t.quick", plannedAt: inFuture(-3000) });
      assert.equal(calls.length, 1);
      release.resolve();
      await Promise.all([first.sent, late.sent, later.sent]);
      assert.deepEqual(
        calls.map(({ runId }) => runId),
        [first.runId, later.runId, late.runId],
      );
    });

    it("once, if the same run is delivered twice", async () => {
      await start();
      const run = { handler: "t.blocked", runId: objectId(), taskId: objectId() };
      const [first, second] = [fixture.send(run), fixture.send(run)];
      await begun(run.runId);
      release.resolve();
      await Promise.all([first.sent, second.sent]);
      await fixture.send(run, { resent: true }).sent;
      assert.equal(calls.length, 1);
      assert.equal(fixture.of(run.runId).length, 1);
      await fixture.send({ ...run, handler: "t.quick", attempt: 2 }).sent;
      assert.equal(calls.length, 2);
    });
  });

  describe("revokes a run", () => {
    it("that has not started, and publishes that", async () => {
      await start();
      const { runId, sent, due } = fixture.send({ handler: "t.quick", plannedAt: inFuture(60_000) });
      const { taskId } = due.data;
      assert.deepEqual(await fixture.call("executor.revoke", { taskId, runIds: [runId] }), { started: [] });
      await sent;
      const [event, ...others] = fixture.of(runId);
      assert.ok(event?.type === "run.cancelled" && others.length === 0);
      assert.equal(event.data.reason, "revoked");
      assert.equal(calls.length, 0);
    });

    it("that has not been delivered yet", async () => {
      await start();
      const [taskId, runId] = [objectId(), objectId()];
      assert.deepEqual(await fixture.call("executor.revoke", { taskId, runIds: [runId] }), { started: [] });
      await fixture.send({ handler: "t.quick", taskId, runId }).sent;
      assert.deepEqual(
        fixture.of(runId).map(({ type }) => type),
        ["run.cancelled"],
      );
      assert.equal(calls.length, 0);
    });

    it("among hundreds that wait for a slot, and leaves the others alone", async () => {
      await start({ config: { executorConcurrency: 1 }, services: [scheduler] });
      const taskId = objectId();
      const running = fixture.send({ handler: "t.blocked" });
      await begun(running.runId);
      const waiting = Array.from({ length: 1000 }, () => fixture.send({ handler: "t.quick", taskId }));
      const other = fixture.send({ handler: "t.quick", taskId });
      const runIds = waiting.map(({ runId }) => runId);
      assert.deepEqual(await fixture.call("executor.revoke", { taskId, runIds }), { started: [] });
      await Promise.all(waiting.map(({ sent }) => sent));
      for (const runId of runIds)
        assert.deepEqual(
          fixture.of(runId).map(({ type }) => type),
          ["run.cancelled"],
        );
      verdict = "wanted";
      release.resolve();
      await other.sent;
      assert.deepEqual(
        calls.slice(1).map(({ runId }) => runId),
        [other.runId],
      );
    });

    it("but not one that has started or ended, which it returns", async () => {
      await start();
      const [ended, running] = [fixture.send({ handler: "t.quick" }), fixture.send({ handler: "t.blocked" })];
      await ended.sent;
      await begun(running.runId);
      const runIds = [ended.runId, running.runId, objectId()];
      const { started } = await fixture.call("executor.revoke", { taskId: objectId(), runIds });
      assert.deepEqual(new Set(started), new Set([ended.runId, running.runId]));
      release.resolve();
      assert.equal((await fixture.ended(running.runId)).type, "run.succeeded");
    });
  });

  describe("cancels a run", () => {
    const request = { at: "2026-01-05T08:00:02.000Z", by: "admin" };
    const cancel = (runId: string) => fixture.call("executor.cancel", { runId, ...request });
    const requested = (hasStarted: boolean) => ({
      type: "run.cancelled",
      data: { reason: "requested", hasStarted, requestedAt: request.at, requestedBy: "admin" },
    });

    it("that waits for its planned time", async () => {
      await start();
      const { runId, sent } = fixture.send({ handler: "t.quick", plannedAt: inFuture(60_000) });
      assert.deepEqual(await cancel(runId), { isHeld: true });
      await sent;
      assert.partialDeepStrictEqual(fixture.of(runId), [requested(false)]);
      assert.equal(calls.length, 0);
    });

    it("that waits for a slot, which the next run gets", async () => {
      await start({ config: { executorConcurrency: 1 } });
      const running = fixture.send({ handler: "t.blocked" });
      await begun(running.runId);
      const [waiting, next] = [fixture.send({ handler: "t.quick" }), fixture.send({ handler: "t.quick" })];
      await cancel(waiting.runId);
      await waiting.sent;
      release.resolve();
      await next.sent;
      assert.partialDeepStrictEqual(fixture.of(waiting.runId), [requested(false)]);
      assert.deepEqual(
        calls.map(({ runId }) => runId),
        [running.runId, next.runId],
      );
    });

    it("that has not been delivered yet", async () => {
      await start();
      const runId = objectId();
      assert.deepEqual(await cancel(runId), { isHeld: false });
      await fixture.send({ handler: "t.quick", runId }).sent;
      assert.partialDeepStrictEqual(fixture.of(runId), [requested(false)]);
      assert.equal(calls.length, 0);
    });

    it("by its abort signal while it runs", async () => {
      await start();
      const { runId } = fixture.send({ handler: "t.sleep" });
      await begun(runId);
      assert.deepEqual(await cancel(runId), { isHeld: true });
      assert.partialDeepStrictEqual(await fixture.ended(runId), requested(true));
    });

    it("whose handler ignores the signal, once the grace time is over", async () => {
      await start();
      const { runId } = fixture.send({ handler: "t.stubborn" });
      await begun(runId);
      const from = performance.now();
      await cancel(runId);
      await cancel(runId);
      assert.partialDeepStrictEqual(await fixture.ended(runId), requested(true));
      const took = performance.now() - from;
      assert.ok(took >= ABORT_GRACE_MS - 50, `${took}`);
      assert.equal(fixture.of(runId).filter(isRunEnded).length, 1);
    });

    it("but not one that has ended", async () => {
      await start();
      const { runId, sent } = fixture.send({ handler: "t.quick" });
      await sent;
      assert.deepEqual(await cancel(runId), { isHeld: true });
      await fixture.send({ handler: "t.quick", runId }, { resent: true }).sent;
      assert.deepEqual(
        fixture.of(runId).map(({ type }) => type),
        ["run.succeeded"],
      );
    });

    it("that the scheduler reports as cancelled", async () => {
      const runId = objectId();
      const scheduler = {
        name: "scheduler",
        actions: someActionsOf("scheduler", {
          confirmRuns: () => ({ verdicts: ["revoked"], cancelled: [{ runId, cancellation: request }] }),
        }),
      };
      await start({ services: [scheduler] });
      await fixture.send({ handler: "t.quick", runId }, { resent: true }).sent;
      assert.partialDeepStrictEqual(fixture.of(runId), [requested(false)]);
      assert.equal(calls.length, 0);
    });
  });

  describe("confirms a run that may have been executed before", () => {
    const services = [scheduler];
    it("and executes it if it is wanted", async () => {
      await start({ services });
      verdict = "wanted";
      const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
      await sent;
      assert.equal(fixture.of(runId)[0]?.type, "run.succeeded");
    });

    it("and drops it if it has ended", async () => {
      await start({ services });
      verdict = "ended";
      const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
      await sent;
      assert.deepEqual(fixture.of(runId), []);
      assert.equal(calls.length, 0);
      assert.ok(fixture.logged.some(({ level, fields }) => level === "debug" && fields.runId === runId));
    });

    it("and cancels it if it was revoked", async () => {
      await start({ services });
      verdict = "revoked";
      const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
      await sent;
      assert.equal(fixture.of(runId)[0]?.type, "run.cancelled");
      assert.equal(calls.length, 0);
    });

    it("and waits while the scheduler is unavailable", async () => {
      await start({ services });
      const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
      await fixture.until(() => (confirmations === 2 ? true : undefined), "a second call");
      assert.equal(calls.length, 0);
      verdict = "wanted";
      await sent;
      assert.equal(fixture.of(runId)[0]?.type, "run.succeeded");
      assert.deepEqual(fixture.dead, []);
    });
  });

  it("retries an outcome until the bus accepts it", async () => {
    let failures = 3;
    const wrapBus = (bus: Bus) => ({
      async send(...[event]: Parameters<Bus["send"]>) {
        if (failures-- > 0) throw new BusUnavailable("away");
        return bus.send(event);
      },
    });
    await start({ wrapBus });
    const { runId, sent } = fixture.send({ handler: "t.quick" });
    await sent;
    assert.equal(calls.length, 1);
    assert.equal(fixture.of(runId)[0]?.type, "run.succeeded");
    assert.ok(
      fixture.logged.some(
        ({ level, fields, text }) =>
          level === "warn" && text.includes("cannot be published yet") && fields.reason === "away",
      ),
    );
  });

  it("replaces an outcome that the bus will never accept by a failure, and does not run the handler again", async () => {
    const wrapBus = (bus: Bus) => ({
      async send(...[event]: Parameters<Bus["send"]>) {
        if (event.type !== "run.succeeded") return bus.send(event);
        throw new AppError("1 MiB is the limit", { type: "EVENT_TOO_LARGE" });
      },
    });
    await start({ wrapBus });
    const { runId, sent } = fixture.send({ handler: "t.quick" });
    await sent;
    assert.equal(calls.length, 1);
    const [event] = fixture.of(runId);
    assert.ok(event?.type === "run.failed");
    assert.equal(event.data.error.type, "EVENT_TOO_LARGE");
    assert.match(event.data.error.message, /1 MiB is the limit/);
  });

  describe("on stop", () => {
    /** Whether the run was handled; a stopped local bus rejects a requeued event, so that its sender keeps it. */
    const isDone = (sent: Promise<void>) =>
      sent.then(
        () => true,
        () => false,
      );
    const ends = (runId: string) => fixture.of(runId).filter(isRunEnded);

    it("lets a running handler finish, and requeues runs that have not started", async () => {
      await start();
      const running = fixture.send({ handler: "t.blocked" });
      const waiting = fixture.send({ handler: "t.quick", plannedAt: inFuture(60_000) });
      const done = Promise.all([isDone(running.sent), isDone(waiting.sent)]);
      await begun(running.runId);
      setTimeout(release.resolve, 250);
      await fixture.stop();
      assert.equal(ends(running.runId)[0]?.type, "run.succeeded");
      assert.deepEqual(fixture.of(waiting.runId), []);
      assert.deepEqual(await done, [true, false]);
    });

    it("aborts a handler that takes too long and requeues its run without an outcome", async () => {
      await start({ config: { drainMs: 300 } });
      const running = fixture.send({ handler: "t.sleep" });
      const done = isDone(running.sent);
      await begun(running.runId);
      await fixture.stop();
      assert.deepEqual(ends(running.runId), []);
      assert.equal(await done, false);
    });

    it("does not wait for a handler that ignores its abort", async () => {
      await start({ config: { drainMs: 200 } });
      const running = fixture.send({ handler: "t.stubborn" });
      const done = isDone(running.sent);
      await begun(running.runId);
      await fixture.stop();
      assert.deepEqual(ends(running.runId), []);
      assert.equal(await done, false);
    });

    it("requeues a run whose outcome the bus does not accept in time", async () => {
      const wrapBus = () => ({
        async send() {
          throw new BusUnavailable("away");
        },
      });
      await start({ wrapBus, config: { drainMs: 300 } });
      const run = fixture.send({ handler: "t.quick" });
      const done = isDone(run.sent);
      await begun(run.runId);
      await fixture.stop();
      assert.deepEqual(fixture.dead, []);
      assert.equal(await done, false);
    });
  });
});

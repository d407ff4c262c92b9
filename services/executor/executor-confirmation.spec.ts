import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import type { RunVerdict } from "../../shared/contracts/scheduler-actions.ts";
import { LATE_START_MS, VERDICT_VALID_MS } from "../../shared/contracts/start-rules.ts";
import { objectId } from "../../shared/ids.ts";
import { someActionsOf } from "../../shared/service.ts";
import { ExecutorFixture } from "./executor.fixture.ts";
import { defineHandler } from "./handler/define-handler.ts";
import { GAP_MS } from "./start/gap-watch.ts";

type Question = ActionParams<"scheduler.confirmRuns">["runs"];
const SLOTS = 4;

describe("an executor that starts a run late", () => {
  let fixture: ExecutorFixture;
  /** Run ids in the order their handlers were called. */
  let calls: string[];
  /** The runs of each call. */
  let requests: Question[];
  let verdictOn: (runId: string) => RunVerdict;
  let isAway: boolean;
  /** Delays a response after its verdicts are decided. */
  let responseDelay: Promise<void>;
  let gate: PromiseWithResolvers<void>;

  const scheduler = {
    name: "scheduler",
    actions: someActionsOf("scheduler", {
      async confirmRuns({ runs }) {
        requests.push(runs);
        fixture.changed();
        if (isAway) throw new Error("no leader");
        const verdicts = runs.map(({ runId }) => verdictOn(runId));
        await responseDelay;
        return { verdicts };
      },
    }),
  };
  const define = (name: string, run: () => unknown) =>
    defineHandler({
      name,
      title: name,
      params: {},
      run(_, { runId }) {
        calls.push(runId);
        fixture.changed();
        return run();
      },
    });

  beforeEach(async () => {
    calls = [];
    requests = [];
    verdictOn = () => "wanted";
    isAway = false;
    responseDelay = Promise.resolve();
    gate = Promise.withResolvers();
    fixture = new ExecutorFixture({
      handlers: [
        define("t.quick", () => null),
        define("t.brief", () => sleep(2)),
        define("t.blocked", () => gate.promise),
      ],
      services: [scheduler],
      config: { executorConcurrency: SLOTS },
    });
    await fixture.start();
  });
  afterEach(async () => {
    gate.resolve();
    await fixture.stop();
  });

  const inFuture = (ms: number) => new Date(Date.now() + ms).toISOString();
  const confirmed = () => requests.flat().map(({ runId }) => runId);
  const until = (isTrue: () => boolean, what: string) => fixture.until(() => isTrue() || undefined, what);
  /** Takes all slots for `ms`. */
  const holdSlots = async () => {
    const holding = Array.from({ length: SLOTS }, () => fixture.send({ handler: "t.blocked" }));
    await until(() => calls.length === SLOTS, "all slots taken");
    calls = [];
    return holding;
  };
  const block = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };

  it("confirms no run that starts on time, even if it waited briefly for a slot", async () => {
    await holdSlots();
    const runs = [0, 50, 100].map((ms) => fixture.send({ handler: "t.quick", plannedAt: inFuture(ms) }));
    setTimeout(gate.resolve, 150);
    await Promise.all(runs.map(({ sent }) => sent));
    assert.equal(calls.length, 3);
    assert.deepEqual(requests, []);
  });

  it("confirms no run that was dispatched late, because it was wanted at its dispatch", async () => {
    const { sent } = fixture.send({ handler: "t.quick", plannedAt: inFuture(-60_000) });
    await sent;
    assert.deepEqual(requests, []);
  });

  it("confirms runs that waited too long for a slot, and starts only those that are wanted", async () => {
    await holdSlots();
    const [wanted, revoked, ended] = [1, 2, 3].map(() => fixture.send({ handler: "t.quick" }));
    assert.ok(wanted && revoked && ended);
    verdictOn = (runId) => (runId === revoked.runId ? "revoked" : runId === ended.runId ? "ended" : "wanted");
    await sleep(LATE_START_MS + 50);
    assert.deepEqual(requests, [], "no run is confirmed while no slot is free");
    gate.resolve();
    await Promise.all([wanted, revoked, ended].map(({ sent }) => sent));
    assert.deepEqual(calls, [wanted.runId]);
    assert.deepEqual(
      [wanted, revoked, ended].map(({ runId }) => fixture.of(runId).map(({ type }) => type)),
      [["run.succeeded"], ["run.cancelled"], []],
    );
    assert.ok(requests.flat().every(({ mayHaveEnded }) => !mayHaveEnded));
  });

  it("confirms a backlog of thousands in few calls, and executes each run once", async () => {
    await holdSlots();
    const runs = Array.from({ length: 3000 }, () => fixture.send({ handler: "t.brief" }));
    await sleep(LATE_START_MS + 50);
    gate.resolve();
    await Promise.all(runs.map(({ sent }) => sent));
    assert.equal(new Set(calls).size, runs.length);
    assert.equal(calls.length, runs.length);
    assert.ok(confirmed().length >= runs.length);
    assert.ok(requests.length < 150, `${requests.length} calls`);
  });

  it("waits while the scheduler is unavailable, starts no unconfirmed run and loses none", async () => {
    const holding = await holdSlots();
    const late = Array.from({ length: 20 }, () => fixture.send({ handler: "t.quick" }));
    await sleep(LATE_START_MS + 50);
    isAway = true;
    gate.resolve();
    await Promise.all(holding.map(({ sent }) => sent));
    await until(() => requests.length >= 3, "three calls");
    assert.deepEqual(calls, []);
    const onTime = fixture.send({ handler: "t.quick" });
    await onTime.sent;
    assert.deepEqual(calls, [onTime.runId], "what is on time does not wait for what is late");
    assert.ok(
      fixture.logged.some(
        ({ level, fields, text }) =>
          level === "warn" && fields.runs === 20 && text === "runs wait to be confirmed",
      ),
    );
    isAway = false;
    await Promise.all(late.map(({ sent }) => sent));
    assert.equal(calls.length, 21);
    assert.deepEqual(fixture.dead, []);
  });

  it("confirms again if a verdict is too old when a slot is free", async () => {
    await holdSlots();
    const [first, second] = [fixture.send({ handler: "t.blocked" }), fixture.send({ handler: "t.quick" })];
    const more = Array.from({ length: SLOTS }, () => fixture.send({ handler: "t.blocked" }));
    await sleep(LATE_START_MS + 50);
    const before = gate;
    gate = Promise.withResolvers();
    before.resolve();
    await until(() => calls.length === SLOTS, "the slots taken again");
    assert.ok(calls.includes(first.runId));
    verdictOn = () => "revoked";
    await sleep(VERDICT_VALID_MS + 50);
    gate.resolve();
    await Promise.all([first, second, ...more].map(({ sent }) => sent));
    const begun = new Set(calls);
    const cancelled = fixture.events.filter(({ type }) => type === "run.cancelled");
    assert.equal(begun.size, SLOTS);
    assert.equal(cancelled.length, 2);
  });

  it("reserves a run that is confirmed and waits for a slot: no other executor may start it", async () => {
    await holdSlots();
    const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
    const inFlight = () => fixture.call("executor.inFlight", { runIds: [runId] });
    verdictOn = () => "unknown";
    await until(() => requests.length > 0, "a request");
    assert.deepEqual(await inFlight(), { held: [runId], started: [] });
    verdictOn = () => "wanted";
    const before = requests.length;
    await until(() => requests.length > before, "another request");
    await sleep(50);
    assert.deepEqual(await inFlight(), { held: [runId], started: [runId] });
    assert.deepEqual(calls, []);
    gate.resolve();
    await sent;
  });

  it("does not use a verdict if another executor asked for the run before it arrived", async () => {
    const arrival = Promise.withResolvers<void>();
    responseDelay = arrival.promise;
    const { runId, sent } = fixture.send({ handler: "t.quick" }, { resent: true });
    await until(() => requests.length === 1, "a request");
    const { started } = await fixture.call("executor.inFlight", { runIds: [runId] });
    assert.deepEqual(started, [], "the other executor may start it");
    responseDelay = Promise.resolve();
    verdictOn = () => "ended";
    arrival.resolve();
    await sent;
    assert.deepEqual([requests.length, calls], [2, []]);
  });

  it("confirms late runs even if many confirmed runs are not due yet", async () => {
    const ahead = Array.from({ length: 3 * SLOTS }, () =>
      fixture.send({ handler: "t.quick", plannedAt: inFuture(60_000) }, { resent: true }),
    );
    await until(() => confirmed().length === ahead.length, "their confirmation");
    await holdSlots();
    const late = fixture.send({ handler: "t.quick" });
    await sleep(LATE_START_MS + 50);
    gate.resolve();
    await late.sent;
    assert.deepEqual(calls, [late.runId]);
    const requeued = Promise.all(ahead.map(({ sent }) => assert.rejects(sent, { type: "BUS_UNAVAILABLE" })));
    await fixture.stop();
    await requeued;
  });

  it("confirms a run again that another executor may have, while other runs start", async () => {
    const verdicts = new Map<string, RunVerdict>();
    verdictOn = (id) => verdicts.get(id) ?? "unknown";
    const elsewhere = fixture.send({ handler: "t.quick" }, { resent: true });
    await until(() => confirmed().length > 0, "a call");
    const wanted = fixture.send({ handler: "t.quick" }, { resent: true });
    verdicts.set(wanted.runId, "wanted");
    await wanted.sent;
    await until(() => confirmed().filter((id) => id === elsewhere.runId).length >= 2, "a second call");
    assert.deepEqual(calls, [wanted.runId]);
    verdicts.set(elsewhere.runId, "ended");
    await elsewhere.sent;
    assert.deepEqual(fixture.of(elsewhere.runId), []);
  });

  it("cancels an unconfirmed run that is revoked, and requeues the others when it stops", async () => {
    isAway = true;
    const taskId = objectId();
    const revoked = fixture.send({ handler: "t.quick", taskId }, { resent: true });
    const waiting = fixture.send({ handler: "t.quick" }, { resent: true });
    await until(() => confirmed().length >= 2, "a call");
    await fixture.call("executor.revoke", { taskId, runIds: [revoked.runId] });
    await revoked.sent;
    assert.equal(fixture.of(revoked.runId)[0]?.type, "run.cancelled");
    const requeued = assert.rejects(waiting.sent, { type: "BUS_UNAVAILABLE" });
    await fixture.stop();
    await requeued;
    assert.deepEqual(calls, []);
  });

  describe("after its process was suspended", () => {
    it("confirms runs that were dispatched before, even on time", async () => {
      const run = fixture.send({ handler: "t.quick", plannedAt: inFuture(GAP_MS + 150) });
      verdictOn = () => "revoked";
      await sleep(50);
      block(GAP_MS + 120);
      await run.sent;
      assert.deepEqual(calls, []);
      assert.deepEqual(confirmed(), [run.runId]);
      assert.equal(requests[0]?.[0]?.mayHaveEnded, false, "no other executor received it");
      assert.equal(fixture.of(run.runId)[0]?.type, "run.cancelled");
      assert.ok(fixture.logged.some(({ text }) => text.includes("was suspended")));
    });

    it("ignores verdicts that were requested before", async () => {
      const delayed = Promise.withResolvers<void>();
      responseDelay = delayed.promise;
      const run = fixture.send({ handler: "t.quick" }, { resent: true });
      await until(() => requests.length === 1, "a call");
      block(GAP_MS + 50);
      verdictOn = () => "revoked";
      delayed.resolve();
      await run.sent;
      assert.deepEqual(confirmed(), [run.runId, run.runId]);
      assert.deepEqual(calls, []);
    });

    it("confirms no run that is dispatched afterwards", async () => {
      block(GAP_MS + 50);
      await until(() => fixture.logged.some(({ text }) => text.includes("was suspended")), "the gap noticed");
      await fixture.send({ handler: "t.quick", plannedAt: inFuture(20) }).sent;
      assert.deepEqual(requests, []);
    });
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MisfirePolicy } from "../../../shared/contracts/task-definition.ts";
import { occurrencesUpTo, parseTrigger, type Trigger } from "../trigger/trigger.ts";
import { sampling } from "../trigger/trigger-sampling.fixture.ts";
import { resolveMissed } from "./policies.ts";

const start = Date.UTC(2024, 5, 15, 12);
const SECOND = 1_000;
const at = (...seconds: number[]) => seconds.map((second) => start + second * SECOND);

const trigger = (execStrategy: "cron" | "interval" | "once", expression: string | null, timezone = "UTC") =>
  parseTrigger(
    { execStrategy, expression, startAt: null, endAt: null, timezone, cronDialect: "kinit" },
    start,
  );
const graceMs = 1_000;
const everyTen = trigger("cron", "*/10 * * * * ?");

const resolve = (policy: MisfirePolicy, nowSecond: number, limit = 1_000) =>
  resolveMissed({ trigger: everyTen, after: start, now: start + nowSecond * SECOND, policy, graceMs, limit });

describe("coming back late", () => {
  test("fire_once dispatches the latest misfire and what is on time, and coalesces the others", () => {
    assert.deepEqual(resolve("fire_once", 45), {
      dispatches: at(40),
      skipped: [{ reason: "coalesced", plannedAt: start + 10_000, lastPlannedAt: start + 30_000, count: 3 }],
      nextAfter: start + 45_000,
    });
    assert.deepEqual(resolve("fire_once", 30).dispatches, at(20, 30));
  });
  test("skip dispatches only what is on time", () => {
    assert.deepEqual(resolve("skip", 41), {
      dispatches: at(40),
      skipped: [{ reason: "misfire", plannedAt: start + 10_000, lastPlannedAt: start + 30_000, count: 3 }],
      nextAfter: start + 41_000,
    });
    assert.deepEqual(resolve("skip", 45).dispatches, []);
  });
  test("fire_all dispatches each one", () => {
    assert.deepEqual(resolve("fire_all", 45), {
      dispatches: at(10, 20, 30, 40),
      skipped: [],
      nextAfter: start + 45_000,
    });
  });
  test("an occurrence exactly as old as the grace is on time", () => {
    assert.deepEqual(resolve("skip", 11).dispatches, at(10));
    assert.deepEqual(resolve("skip", 11.001).dispatches, []);
  });
  test("fire_once dispatches a single misfire and skips nothing", () => {
    assert.deepEqual(resolve("fire_once", 15), {
      dispatches: at(10),
      skipped: [],
      nextAfter: start + 15_000,
    });
  });
  test("a missed once task is dispatched late, or is skipped by policy", () => {
    const missed = {
      trigger: trigger("once", null),
      after: start - 1,
      now: start + 60_000,
      graceMs,
      limit: 10,
    };
    assert.deepEqual(resolveMissed({ ...missed, policy: "fire_once" }).dispatches, [start]);
    assert.equal(resolveMissed({ ...missed, policy: "skip" }).skipped[0]?.count, 1);
  });
  test("does nothing when no time has passed", () => {
    assert.deepEqual(resolve("fire_all", 0), { dispatches: [], skipped: [], nextAfter: start });
    assert.deepEqual(resolve("fire_once", -5), { dispatches: [], skipped: [], nextAfter: start });
  });
});

describe("bounded calls", () => {
  test("fire_once dispatches nothing while later misfires follow", () => {
    const part = resolve("fire_once", 45, 2);
    assert.deepEqual(part.dispatches, []);
    assert.equal(part.skipped[0]?.count, 2);
    assert.equal(part.nextAfter, start + 20_000);
  });
  test("fire_all continues where the limit stopped it", () => {
    const part = resolve("fire_all", 45, 3);
    assert.deepEqual(part.dispatches, at(10, 20, 30));
    assert.equal(part.nextAfter, start + 30_000);
  });
});

/** Calls until all occurrences up to `now` are accounted for, as the scheduler does. */
function resolveAll(missed: Parameters<typeof resolveMissed>[0]) {
  const dispatches: number[] = [];
  const skipped: ReturnType<typeof resolveMissed>["skipped"] = [];
  let after = missed.after;
  for (let calls = 0; after < missed.now; calls++) {
    assert.ok(calls < 10_000, "makes progress");
    const part = resolveMissed({ ...missed, after });
    const accounted = part.dispatches.length + part.skipped.reduce((sum, range) => sum + range.count, 0);
    assert.ok(accounted <= missed.limit, "keeps the limit");
    assert.ok(part.nextAfter > after, "moves on");
    dispatches.push(...part.dispatches);
    skipped.push(...part.skipped);
    after = part.nextAfter;
  }
  return { dispatches, skipped };
}

test("every occurrence is in exactly one of dispatches and skipped, under every policy", () => {
  const random = sampling(process.env.TEST_SEED);
  for (let round = 0; round < 400; round++) {
    const chosen: Trigger = random.pick([
      everyTen,
      trigger("cron", `${random.whole(0, 59)},${random.whole(0, 59)} */${random.whole(1, 20)} * * * ?`),
      trigger("cron", "0 30 * * * ?", "Europe/Berlin"),
      trigger("interval", `${random.whole(1, 90)} * * * *`),
      trigger("once", null),
    ]);
    const after = start + random.whole(-5, 5) * SECOND + random.whole(0, 999);
    const now = after + random.whole(0, random.pick([2_000, 60_000, 7_200_000]));
    const policy = random.pick(["fire_once", "skip", "fire_all"] as const);
    const graceMs = random.pick([0, 1_000, 15_000]);
    const all = occurrencesUpTo(chosen, { after, until: now, limit: Number.POSITIVE_INFINITY });
    const limit = random.pick([1, 2, 3, 7, 1_000]);
    const { dispatches, skipped } = resolveAll({ trigger: chosen, after, now, policy, graceMs, limit });
    const label = `TEST_SEED=${random.seed} round ${round} ${JSON.stringify({ chosen, after, now, policy, graceMs, limit })}`;

    const missed = all.filter((instant) => instant < now - graceMs);
    const onTime = all.filter((instant) => instant >= now - graceMs);
    const caughtUp = { fire_once: missed.slice(-1), skip: [], fire_all: missed }[policy];
    assert.deepEqual(dispatches, [...caughtUp, ...onTime], label);
    const spans = skipped.flatMap((range) => {
      const span = all.filter((instant) => instant >= range.plannedAt && instant <= range.lastPlannedAt);
      assert.equal(span.length, range.count, label);
      return span;
    });
    assert.deepEqual(
      [...dispatches, ...spans].sort((a, b) => a - b),
      all,
      label,
    );
  }
});

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
const everyTen = trigger("cron", "*/10 * * * * ?");

const resolve = (policy: MisfirePolicy, nowSecond: number, limit = 1_000) =>
  resolveMissed({ trigger: everyTen, after: start, now: start + nowSecond * SECOND, policy, limit });

describe("coming back late", () => {
  test("fire_once fires the latest missed and what is on time, and coalesces the others", () => {
    assert.deepEqual(resolve("fire_once", 45), {
      fires: at(40),
      skipped: [{ reason: "coalesced", plannedAt: start + 10_000, lastPlannedAt: start + 30_000, count: 3 }],
      nextAfter: start + 45_000,
    });
    assert.deepEqual(resolve("fire_once", 30).fires, at(20, 30));
  });
  test("skip fires only what is on time", () => {
    assert.deepEqual(resolve("skip", 41), {
      fires: at(40),
      skipped: [{ reason: "misfire", plannedAt: start + 10_000, lastPlannedAt: start + 30_000, count: 3 }],
      nextAfter: start + 41_000,
    });
    assert.deepEqual(resolve("skip", 45).fires, []);
  });
  test("fire_all fires each", () => {
    assert.deepEqual(resolve("fire_all", 45), {
      fires: at(10, 20, 30, 40),
      skipped: [],
      nextAfter: start + 45_000,
    });
  });
  test("an occurrence exactly as old as the grace is on time", () => {
    assert.deepEqual(resolve("skip", 11).fires, at(10));
    assert.deepEqual(resolve("skip", 11.001).fires, []);
  });
  test("one missed alone fires under fire_once with nothing skipped", () => {
    assert.deepEqual(resolve("fire_once", 15), { fires: at(10), skipped: [], nextAfter: start + 15_000 });
  });
  test("a once task that was missed fires late, or is skipped by policy", () => {
    const missed = { trigger: trigger("once", null), after: start - 1, now: start + 60_000, limit: 10 };
    assert.deepEqual(resolveMissed({ ...missed, policy: "fire_once" }).fires, [start]);
    assert.equal(resolveMissed({ ...missed, policy: "skip" }).skipped[0]?.count, 1);
  });
  test("nothing is settled when no time has passed", () => {
    assert.deepEqual(resolve("fire_all", 0), { fires: [], skipped: [], nextAfter: start });
    assert.deepEqual(resolve("fire_once", -5), { fires: [], skipped: [], nextAfter: start });
  });
});

describe("bounded calls", () => {
  test("fire_once fires nothing of a part while later missed ones are known to follow", () => {
    const part = resolve("fire_once", 45, 2);
    assert.deepEqual(part.fires, []);
    assert.equal(part.skipped[0]?.count, 2);
    assert.equal(part.nextAfter, start + 20_000);
  });
  test("fire_all goes on from where the limit stopped it", () => {
    const part = resolve("fire_all", 45, 3);
    assert.deepEqual(part.fires, at(10, 20, 30));
    assert.equal(part.nextAfter, start + 30_000);
  });
});

/** Calls until all up to `now` is settled, as the scheduler does. */
function settle(missed: Parameters<typeof resolveMissed>[0]) {
  const fires: number[] = [];
  const skipped: ReturnType<typeof resolveMissed>["skipped"] = [];
  let after = missed.after;
  for (let calls = 0; after < missed.now; calls++) {
    assert.ok(calls < 10_000, "makes progress");
    const part = resolveMissed({ ...missed, after });
    const settled = part.fires.length + part.skipped.reduce((sum, range) => sum + range.count, 0);
    assert.ok(settled <= missed.limit, "keeps the limit");
    assert.ok(part.nextAfter > after, "moves on");
    fires.push(...part.fires);
    skipped.push(...part.skipped);
    after = part.nextAfter;
  }
  return { fires, skipped };
}

test("every occurrence is in exactly one of fires and skipped, under every policy", () => {
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
    const { fires, skipped } = settle({ trigger: chosen, after, now, policy, graceMs, limit });
    const label = `TEST_SEED=${random.seed} round ${round} ${JSON.stringify({ chosen, after, now, policy, graceMs, limit })}`;

    const missed = all.filter((instant) => instant < now - graceMs);
    const onTime = all.filter((instant) => instant >= now - graceMs);
    const caughtUp = { fire_once: missed.slice(-1), skip: [], fire_all: missed }[policy];
    assert.deepEqual(fires, [...caughtUp, ...onTime], label);
    const spans = skipped.flatMap((range) => {
      const span = all.filter((instant) => instant >= range.plannedAt && instant <= range.lastPlannedAt);
      assert.equal(span.length, range.count, label);
      return span;
    });
    assert.deepEqual(
      [...fires, ...spans].sort((a, b) => a - b),
      all,
      label,
    );
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TriggerFault, TriggerReason } from "../../../shared/contracts/trigger-faults.ts";
import { intervalMs } from "./interval-trigger.ts";
import { firstOccurrence, nextOccurrence, parseTrigger } from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";

const now = Date.UTC(2024, 5, 15, 12, 0, 0, 250);

function interval(expression: string | null, window: { startAt?: number; endAt?: number } = {}) {
  const { startAt = null, endAt = null } = window;
  return parseTrigger(
    {
      execStrategy: "interval",
      expression,
      startAt,
      endAt,
      timezone: "Asia/Shanghai",
      cronDialect: "kinit",
    },
    now,
  );
}

describe("an interval expression", () => {
  const cases: [string, number][] = [
    ["10 * * * *", 10_000],
    ["* 1 * * *", 60_000],
    ["30 1 2 3 1", 30_000 + 60_000 + 2 * 3_600_000 + 10 * 86_400_000],
    ["0 0 0 0 0", 1_000],
    ["* * * * *", 1_000],
    ["90 * * * *", 90_000],
  ];
  for (const [expression, milliseconds] of cases) {
    test(`${expression} is ${milliseconds} ms`, () => assert.equal(intervalMs(expression), milliseconds));
  }
});

describe("its occurrences", () => {
  test("are one interval from now, and every interval after that", () => {
    const trigger = interval("10 * * * *");
    const first = firstOccurrence(trigger, now);
    assert.equal(first, now + 10_000);
    assert.equal(nextOccurrence(trigger, first ?? 0), now + 20_000);
    assert.equal(nextOccurrence(trigger, now + 10_001), now + 20_000);
  });
  test("begin at a future start", () => {
    assert.equal(firstOccurrence(interval("10 * * * *", { startAt: now + 1_234 }), now), now + 1_234);
  });
  test("begin at the next multiple of a past start", () => {
    const trigger = interval("10 * * * *", { startAt: now - 25_000 });
    assert.equal(firstOccurrence(trigger, now), now + 5_000);
    assert.equal(nextOccurrence(trigger, 0), now + 5_000);
  });
  test("begin now if now is a multiple of the start", () => {
    assert.equal(firstOccurrence(interval("10 * * * *", { startAt: now - 20_000 }), now), now);
  });
  test("include the end of the window, and none after it", () => {
    const trigger = interval("10 * * * *", { endAt: now + 20_000 });
    assert.equal(nextOccurrence(trigger, now + 10_000), now + 20_000);
    assert.equal(nextOccurrence(trigger, now + 20_000), null);
  });
  test("are none if the window ends before the first one", () => {
    assert.equal(firstOccurrence(interval("10 * * * *", { endAt: now + 9_999 }), now), null);
  });
});

describe("errors", () => {
  const cases: [string | null, TriggerReason][] = [
    [null, "EXPRESSION_EMPTY"],
    ["", "EXPRESSION_EMPTY"],
    ["10 * * *", "FIELD_COUNT"],
    ["10 * * * * ?", "FIELD_COUNT"],
    ["* x * * *", "INTERVAL_PART_UNREADABLE"],
    ["-10 * * * *", "INTERVAL_PART_UNREADABLE"],
    ["1.5 * * * *", "INTERVAL_PART_UNREADABLE"],
    ["*/5 * * * *", "INTERVAL_PART_UNREADABLE"],
    ["* * * * 5218", "INTERVAL_TOO_LONG"],
  ];
  for (const [expression, reason] of cases) {
    test(`"${expression}": ${reason}`, () => {
      assert.throws(
        () => interval(expression),
        (error) => {
          assert.ok(error instanceof InvalidTrigger);
          assert.equal((error.data as TriggerFault).reason, reason);
          return true;
        },
      );
    });
  }
});

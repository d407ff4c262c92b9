import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TriggerFault } from "../../../shared/contracts/trigger-faults.ts";
import {
  countOccurrences,
  firstOccurrence,
  nextOccurrence,
  nextOccurrences,
  parseTrigger,
  type TriggerDefinition,
} from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";

const now = Date.UTC(2024, 5, 15, 12);
const SECOND = 1_000;

const trigger = (definition: Partial<TriggerDefinition>) =>
  parseTrigger(
    {
      execStrategy: "cron",
      expression: "*/10 * * * * ?",
      startAt: null,
      endAt: null,
      timezone: "Asia/Shanghai",
      cronDialect: "kinit",
      ...definition,
    },
    now,
  );

describe("a trigger", () => {
  test("is plain data that survives JSON", () => {
    for (const execStrategy of ["cron", "interval", "date", "once"] as const) {
      const expression = { cron: "* * 3 * * ?", interval: "10 * * * *", date: null, once: "ignored" }[
        execStrategy
      ];
      const made = trigger({ execStrategy, expression });
      assert.deepEqual(JSON.parse(JSON.stringify(made)), made);
      assert.equal(made.kind, execStrategy);
    }
  });

  test("once is due only at the instant of its creation", () => {
    const once = trigger({ execStrategy: "once", expression: "nonsense" });
    assert.equal(firstOccurrence(once, now), now);
    assert.equal(nextOccurrence(once, now), null);
  });

  test("an occurrence at the instant of the creation counts as the first", () => {
    assert.equal(firstOccurrence(trigger({}), now), now);
    assert.equal(nextOccurrence(trigger({}), now), now + 10 * SECOND);
  });
});

describe("the window", () => {
  test("includes its start and its end", () => {
    const startAt = now + 20 * SECOND;
    const endAt = now + 40 * SECOND;
    assert.deepEqual(nextOccurrences(trigger({ startAt, endAt }), 0, 9), [startAt, now + 30 * SECOND, endAt]);
  });
  test("begins with the first match after its start", () => {
    assert.equal(firstOccurrence(trigger({ startAt: now + 1 }), now), now + 10 * SECOND);
  });
  test("may be one instant", () => {
    assert.deepEqual(nextOccurrences(trigger({ startAt: now, endAt: now }), 0, 9), [now]);
  });
  test("that ends before it starts is rejected with the field", () => {
    for (const execStrategy of ["cron", "interval"] as const) {
      const expression = execStrategy === "cron" ? "* * 3 * * ?" : "10 * * * *";
      const definition = { execStrategy, expression, startAt: now, endAt: now - 1 };
      assert.throws(
        () => trigger(definition),
        (error) => {
          assert.ok(error instanceof InvalidTrigger);
          const { field, reason } = error.data as TriggerFault;
          assert.deepEqual([field, reason], ["endAt", "WINDOW_REVERSED"]);
          return true;
        },
      );
    }
  });
});

test("an unknown time zone is rejected with the field, for every strategy", () => {
  for (const execStrategy of ["cron", "interval", "date", "once"] as const) {
    for (const timezone of ["Asia/Beijing", "", "x".repeat(90)]) {
      assert.throws(
        () => trigger({ execStrategy, expression: null, timezone }),
        (error) => {
          assert.ok(error instanceof InvalidTrigger);
          const { field, reason } = error.data as TriggerFault;
          assert.deepEqual([field, reason], ["timezone", "TIMEZONE_UNKNOWN"]);
          assert.match(error.message, /in ".{0,40}"; expected Asia\/Shanghai/);
          return true;
        },
      );
    }
  }
});

test("nothing is planned for an invalid instant or one too far in the future", () => {
  for (const after of [Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0)]) {
    assert.equal(nextOccurrence(trigger({}), after), null);
    assert.equal(nextOccurrence(trigger({ execStrategy: "interval", expression: "* * * * 1" }), after), null);
  }
  assert.equal(nextOccurrence(trigger({ expression: "* * * * * ? 2024" }), Date.UTC(2025, 0)), null);
  assert.equal(nextOccurrence(trigger({}), Number.NEGATIVE_INFINITY), Date.UTC(1969, 11, 31, 16));
});

describe("counting", () => {
  const hour = { after: now, until: now + 3_600 * SECOND, limit: 10_000 };
  const cron = trigger({});
  const interval = trigger({ execStrategy: "interval", expression: "10 * * * *" });
  for (const [kind, counted] of Object.entries({ cron, interval })) {
    test(`${kind}: is exact, both ends included`, () => {
      assert.deepEqual(countOccurrences(counted, hour), {
        count: 360,
        first: now + 10 * SECOND,
        beforeLast: now + 3_590 * SECOND,
        last: now + 3_600 * SECOND,
        complete: true,
      });
    });
    test(`${kind}: stops at the limit and is not complete`, () => {
      assert.deepEqual(countOccurrences(counted, { ...hour, limit: 5 }), {
        count: 5,
        first: now + 10 * SECOND,
        beforeLast: now + 40 * SECOND,
        last: now + 50 * SECOND,
        complete: false,
      });
      assert.equal(countOccurrences(counted, { ...hour, limit: 360 }).complete, true);
    });
    test(`${kind}: none`, () => {
      const none = { count: 0, first: null, beforeLast: null, last: null, complete: true };
      assert.deepEqual(countOccurrences(counted, { after: now, until: now + 9_999, limit: 9 }), none);
    });
  }
  test("a century of seconds of an interval is calculated", () => {
    const seconds = trigger({ execStrategy: "interval", expression: "1 * * * *" });
    const until = now + 3_000_000_000 * SECOND;
    assert.equal(countOccurrences(seconds, { after: now, until, limit: 1e12 }).count, 3_000_000_000);
  });
  test("an interval ends with its window", () => {
    const ended = trigger({ execStrategy: "interval", expression: "10 * * * *", endAt: now + 25 * SECOND });
    assert.equal(countOccurrences(ended, hour).count, 2);
  });
});

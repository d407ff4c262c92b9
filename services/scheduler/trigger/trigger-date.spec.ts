import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstOccurrence, nextOccurrence, parseTrigger } from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";

const now = Date.UTC(2024, 0, 1);
const date = (expression: string | null, timezone = "Asia/Shanghai") =>
  parseTrigger(
    { execStrategy: "date", expression, startAt: now + 1, endAt: 0, timezone, cronDialect: "kinit" },
    now,
  );

describe("a date", () => {
  const cases: [string, string, string][] = [
    ["2024-06-15 08:30:00", "Asia/Shanghai", "2024-06-15T00:30:00Z"],
    ["2024-02-29 23:59:59", "UTC", "2024-02-29T23:59:59Z"],
    ["2024-03-31 02:30:00", "Europe/Berlin", "2024-03-31T01:00:00Z"],
    ["2024-10-27 02:30:00", "Europe/Berlin", "2024-10-27T00:30:00Z"],
    ["2024-10-27 03:00:00", "Europe/Berlin", "2024-10-27T02:00:00Z"],
    ["2025-01-01 00:00:00", "Pacific/Kiritimati", "2024-12-31T10:00:00Z"],
    ["2024-12-31 23:30:00", "Pacific/Pago_Pago", "2025-01-01T10:30:00Z"],
  ];
  for (const [expression, zone, utc] of cases) {
    test(`${expression} in ${zone} is ${utc}`, () => {
      assert.deepEqual(date(expression, zone), { kind: "date", at: Date.parse(utc) });
    });
  }
  test("fires once", () => {
    const trigger = date("2024-06-15 08:30:00");
    const at = firstOccurrence(trigger, now);
    assert.equal(at, Date.parse("2024-06-15T00:30:00Z"));
    assert.equal(nextOccurrence(trigger, at ?? 0), null);
  });
  test("that is past, or missing, is due at once whatever the window", () => {
    for (const expression of ["2020-01-01 00:00:00", null, "", "  "]) {
      assert.equal(firstOccurrence(date(expression), now), now);
    }
  });
});

describe("refusals", () => {
  const cases: [string, RegExp][] = [
    ["tomorrow", /"tomorrow" 格式有误，应为 YYYY-MM-DD HH:MM:SS，例如/],
    ["2030-01-01T00:00:00Z", /格式有误/],
    ["2030-1-1 0:0:0", /格式有误/],
    ["2025-02-29 00:00:00", /日期不存在，该月应为 1-28 日/],
    ["2025-04-31 00:00:00", /该月应为 1-30 日/],
    ["2025-00-10 00:00:00", /月份超出范围 1-12/],
    ["2025-13-01 00:00:00", /月份超出范围 1-12/],
    ["2025-01-01 24:00:00", /小时超出范围 0-23/],
    ["2025-01-01 00:60:00", /分钟超出范围 0-59/],
    ["2025-01-01 00:00:60", /秒超出范围 0-59/],
    ["0000-01-01 00:00:00", /年份超出范围 1970-9999/],
  ];
  for (const [expression, message] of cases) {
    test(`"${expression}"`, () => {
      assert.throws(
        () => date(expression),
        (error) => error instanceof InvalidTrigger && message.test(error.message),
      );
    });
  }
});

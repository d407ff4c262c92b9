import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TriggerFault, TriggerReason } from "../../../shared/contracts/trigger-faults.ts";
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
  test("occurs once", () => {
    const trigger = date("2024-06-15 08:30:00");
    const at = firstOccurrence(trigger, now);
    assert.equal(at, Date.parse("2024-06-15T00:30:00Z"));
    assert.equal(nextOccurrence(trigger, at ?? 0), null);
  });
  test("that has passed, or is missing, is due at once, independent of the window", () => {
    for (const expression of ["2020-01-01 00:00:00", null, "", "  "]) {
      assert.equal(firstOccurrence(date(expression), now), now);
    }
  });
});

describe("errors", () => {
  const cases: [string, TriggerReason][] = [
    ["tomorrow", "DATE_UNREADABLE"],
    ["2030-01-01T00:00:00Z", "DATE_UNREADABLE"],
    ["2030-1-1 0:0:0", "DATE_UNREADABLE"],
    ["2025-02-29 00:00:00", "DATE_NOT_IN_MONTH"],
    ["2025-04-31 00:00:00", "DATE_NOT_IN_MONTH"],
    ["2025-00-10 00:00:00", "DATE_PART_OUT_OF_RANGE"],
    ["2025-13-01 00:00:00", "DATE_PART_OUT_OF_RANGE"],
    ["2025-01-01 24:00:00", "DATE_PART_OUT_OF_RANGE"],
    ["2025-01-01 00:60:00", "DATE_PART_OUT_OF_RANGE"],
    ["2025-01-01 00:00:60", "DATE_PART_OUT_OF_RANGE"],
    ["0000-01-01 00:00:00", "DATE_PART_OUT_OF_RANGE"],
  ];
  for (const [expression, reason] of cases) {
    test(`"${expression}": ${reason}`, () => {
      assert.throws(
        () => date(expression),
        (error) => error instanceof InvalidTrigger && (error.data as TriggerFault).reason === reason,
      );
    });
  }
});

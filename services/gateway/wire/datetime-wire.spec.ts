import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { datetimeWire, wallTime } from "./datetime-wire.ts";

describe("datetimeWire", () => {
  const rows: readonly [zone: string, instant: string, wall: string][] = [
    ["Asia/Shanghai", "2026-01-05T08:00:00.000Z", "2026-01-05 16:00:00"],
    ["Asia/Shanghai", "2025-12-31T16:00:00.000Z", "2026-01-01 00:00:00"],
    ["UTC", "2026-01-05T08:00:00.000Z", "2026-01-05 08:00:00"],
    ["Asia/Kathmandu", "2026-01-05T08:00:00.000Z", "2026-01-05 13:45:00"],
    ["Europe/Berlin", "2026-03-29T00:59:59.000Z", "2026-03-29 01:59:59"],
    ["Europe/Berlin", "2026-03-29T01:00:00.000Z", "2026-03-29 03:00:00"],
    ["Europe/Berlin", "2026-10-25T00:30:00.000Z", "2026-10-25 02:30:00"],
    ["America/New_York", "1969-07-20T20:17:40.000Z", "1969-07-20 16:17:40"],
  ];
  for (const [zone, instant, wall] of rows) {
    it(`shows ${instant} in ${zone} as ${wall} and reads it back`, () => {
      const wire = datetimeWire(zone);
      assert.equal(wire.show(instant), wall);
      assert.equal(wire.read(wall), instant);
    });
  }

  it("shows the repeated hour twice the same, and reads it as the first", () => {
    const wire = datetimeWire("Europe/Berlin");
    assert.equal(wire.show("2026-10-25T01:30:00.000Z"), "2026-10-25 02:30:00");
    assert.equal(wire.read("2026-10-25 02:30:00"), "2026-10-25T00:30:00.000Z");
  });

  it("moves a time that the clock jumps over", () => {
    assert.equal(datetimeWire("Europe/Berlin").read("2026-03-29 02:30:00"), "2026-03-29T01:30:00.000Z");
  });

  it("cuts milliseconds and passes null on", () => {
    const wire = datetimeWire("UTC");
    assert.equal(wire.show("2026-01-05T08:00:00.999Z"), "2026-01-05 08:00:00");
    assert.equal(wire.showOrNull(null), null);
  });
});

describe("wallTime", () => {
  const accepted: readonly [unknown, string][] = [
    ["2026-01-05 08:00:00", "2026-01-05 08:00:00"],
    ["2024-02-29 23:59:59", "2024-02-29 23:59:59"],
    [{ $date: "2026-01-05T08:00:00.123Z" }, "2026-01-05 08:00:00"],
    [{ $date: "2026-01-05T08:00:00Z" }, "2026-01-05 08:00:00"],
  ];
  for (const [value, wall] of accepted) {
    it(`accepts ${JSON.stringify(value)}`, () => assert.equal(wallTime(value), wall));
  }

  const rejected: readonly unknown[] = [
    "2026-01-05T08:00:00",
    "2026-01-05",
    "2026-1-5 8:0:0",
    "2026-02-30 08:00:00",
    "2026-01-05 24:00:00",
    "2026-01-05 08:60:00",
    "0000-01-05 08:00:00",
    "2026-01-05 08:00:00\n",
    "",
    1_767_600_000,
    true,
    null,
    [],
    {},
    { $date: 5 },
    { $date: "2026-01-05 08:00:00" },
    { $date: "2026-02-30T08:00:00.0Z" },
  ];
  for (const value of rejected) {
    it(`rejects ${JSON.stringify(value)}`, () => assert.equal(wallTime(value), undefined));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { IANAZone } from "luxon";
import { sampling } from "./trigger-sampling.fixture.ts";
import { instantOf, zoneNamed } from "./trigger-zone.ts";

test("has the offsets of luxon, in every zone, from 1970 to 2060", () => {
  const random = sampling(process.env.TEST_SEED);
  for (const name of Intl.supportedValuesOf("timeZone")) {
    const luxon = IANAZone.create(name);
    for (let round = 0; round < 4; round++) {
      const instant = random.whole(0, Date.UTC(2060, 0) / 1000) * 1000;
      const segment = zoneNamed(name).segmentAt(instant);
      const label = `TEST_SEED=${random.seed} ${name} at ${instant}`;
      assert.ok(segment.start <= instant && instant < segment.end, label);
      assert.equal(segment.offset, luxon.offset(instant) * 60_000, label);
    }
  }
});

test("a segment starts exactly at the clock change", () => {
  const segment = zoneNamed("Europe/Berlin").segmentAt(Date.UTC(2024, 5));
  assert.deepEqual(segment, {
    start: Date.UTC(2024, 2, 31, 1),
    end: Date.UTC(2024, 9, 27, 1),
    offset: 7_200_000,
    offsetBefore: 3_600_000,
  });
});

test("a wall time maps to an instant that shows it, unless the clock skips it", () => {
  const random = sampling(process.env.TEST_SEED);
  for (let round = 0; round < 2_000; round++) {
    const zone = zoneNamed(
      random.pick(["Asia/Shanghai", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza"]),
    );
    const wall = Date.UTC(2010, 0) + random.whole(0, 15 * 365 * 86_400) * 1000;
    const instant = instantOf(wall, zone);
    const { start, offset } = zone.segmentAt(instant);
    const shown = instant + offset;
    assert.ok(shown === wall || (shown > wall && instant === start), `TEST_SEED=${random.seed} wall ${wall}`);
  }
});

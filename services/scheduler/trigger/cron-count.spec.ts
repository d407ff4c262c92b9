import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileCron, countCronOccurrences, nextCronOccurrence } from "./cron-trigger.ts";
import { countOccurrences, type Trigger } from "./trigger.ts";
import { sampling } from "./trigger-sampling.fixture.ts";
import { zoneNamed } from "./trigger-zone.ts";

const HOUR_MS = 3_600_000;

/** Instants near which the clocks of a zone change, or the year does. */
const moments = [
  ["America/New_York", "2026-03-08T07:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
  ["Antarctica/Troll", "2026-03-29T01:00:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00:00Z"],
  ["Africa/Casablanca", "2026-02-15T02:00:00Z"],
  ["Asia/Shanghai", "2026-12-31T16:00:00Z"],
] as const;

describe("counting the occurrences of a cron trigger", () => {
  const random = sampling(process.env.TEST_SEED);
  const field = (least: number, most: number) =>
    random.pick([
      () => "*",
      () => `*/${random.whole(1, 20)}`,
      () => `${random.whole(least, most)}`,
      () => `${least}-${random.whole(least, most)}`,
    ])();
  const expression = () =>
    `${field(0, 59)} ${field(0, 59)} ${field(0, 23)} ${random.pick(["?", "?", "last", "1-15"])} * ${random.pick(["?", "0-4"])}`;

  it(`returns the same as visiting each of them, also around clock changes (seed ${random.seed})`, () => {
    for (let n = 0; n < 400; n++) {
      const [timezone, moment] = random.pick(moments);
      const text = expression();
      const schedule = compileCron(text, "kinit");
      const zone = zoneNamed(timezone);
      const after = Date.parse(moment) - random.whole(0, 30 * HOUR_MS);
      const until = after + random.whole(0, 60 * HOUR_MS);
      let walked = 0;
      for (let at = nextCronOccurrence(schedule, zone, after); at <= until; walked++) {
        at = nextCronOccurrence(schedule, zone, at);
      }
      const counted = countCronOccurrences(schedule, zone, { after, until });
      assert.equal(counted, walked, `${text} in ${timezone} after ${new Date(after).toISOString()}`);
    }
  });

  it("finds the last two, also at a limit, like visiting each of them", () => {
    for (let n = 0; n < 60; n++) {
      const [timezone, moment] = random.pick(moments);
      const trigger: Trigger = {
        kind: "cron",
        expression: expression(),
        dialect: "kinit",
        timezone,
        startAt: null,
        endAt: random.chance(0.2) ? Date.parse(moment) + 10 * HOUR_MS : null,
      };
      const after = Date.parse(moment) - 20 * HOUR_MS;
      const until = Date.parse(moment) + 20 * HOUR_MS;
      const limit = random.pick([150, 1000, Number.POSITIVE_INFINITY]);
      const walked = walk(trigger, after, Math.min(until, trigger.endAt ?? until), limit);
      assert.deepEqual(countOccurrences(trigger, { after, until, limit }), walked, trigger.expression);
    }
  });

  it("takes as long for a year of seconds as for an hour of them", () => {
    const trigger: Trigger = {
      kind: "cron",
      expression: "* * * * * ?",
      dialect: "kinit",
      timezone: "Europe/Berlin",
      startAt: null,
      endAt: null,
    };
    const after = Date.parse("2025-01-01T00:00:00Z") - 1;
    const until = Date.parse("2026-01-01T00:00:00Z") - 1;
    assert.deepEqual(countOccurrences(trigger, { after, until, limit: Number.POSITIVE_INFINITY }), {
      count: 31_536_000,
      first: after + 1,
      beforeLast: until + 1 - 2000,
      last: until + 1 - 1000,
      complete: true,
    });
  });

  function walk(trigger: Extract<Trigger, { kind: "cron" }>, after: number, until: number, limit: number) {
    const schedule = compileCron(trigger.expression, "kinit");
    const zone = zoneNamed(trigger.timezone);
    const found: number[] = [];
    let next = nextCronOccurrence(schedule, zone, after);
    for (; next <= until && found.length < limit; next = nextCronOccurrence(schedule, zone, next))
      found.push(next);
    return {
      count: found.length,
      first: found[0] ?? null,
      beforeLast: found.at(-2) ?? null,
      last: found.at(-1) ?? null,
      complete: !(next <= until),
    };
  }
});

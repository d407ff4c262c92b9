import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CronDialect } from "../../../shared/contracts/task-definition.ts";
import { compileCron, nextCronOccurrence } from "./cron-trigger.ts";
import { nextOccurrences, parseTrigger } from "./trigger.ts";
import { sampling } from "./trigger-sampling.fixture.ts";
import { zoneNamed } from "./trigger-zone.ts";

interface Case {
  readonly zone: string;
  readonly expression: string;
  readonly from: string;
  readonly utc: string[];
  readonly dialect?: CronDialect;
}

function check({ zone, expression, from, utc, dialect = "quartz" }: Case): void {
  const trigger = parseTrigger(
    { execStrategy: "cron", expression, startAt: null, endAt: null, timezone: zone, cronDialect: dialect },
    0,
  );
  const actual = nextOccurrences(trigger, Date.parse(`${from}Z`), utc.length);
  assert.deepEqual(
    actual.map((instant) => new Date(instant).toISOString().slice(0, 16)),
    utc,
  );
}

const dailyInGap = ["2024-03-31T01:00", "2024-04-01T00:30"];

describe("the clock is set forward", () => {
  const zone = "Europe/Berlin";
  const from = "2024-03-31T00:00";
  test("a skipped daily time occurs at the first instant after the change, in every dialect", () => {
    check({ zone, from, expression: "0 30 2 * * ?", dialect: "quartz", utc: dailyInGap });
    check({ zone, from, expression: "0 30 2 * * ?", dialect: "kinit", utc: dailyInGap });
    check({ zone, from, expression: "30 2 * * *", dialect: "unix", utc: dailyInGap });
  });
  test("several skipped times occur once", () =>
    check({ zone, from, expression: "0 0,20,40 2 * * ?", utc: ["2024-03-31T01:00", "2024-04-01T00:00"] }));
  test("a skipped time and one at the instant of the change occur once", () =>
    check({
      zone,
      from,
      expression: "0 0 2,3 * * ?",
      utc: ["2024-03-31T01:00", "2024-04-01T00:00", "2024-04-01T01:00"],
    }));
  test("each hour at :30 has no additional occurrence", () =>
    check({ zone, from, expression: "0 30 * * * ?", utc: ["2024-03-31T00:30", "2024-03-31T01:30"] }));
  test("half an hour, at Lord Howe", () =>
    check({
      zone: "Australia/Lord_Howe",
      from: "2024-10-05T12:00",
      expression: "0 15 2 * * ?",
      utc: ["2024-10-05T15:30", "2024-10-06T15:15"],
    }));
  test("midnight, in Cairo", () =>
    check({
      zone: "Africa/Cairo",
      from: "2024-04-25T12:00",
      expression: "0 0 0 * * ?",
      utc: ["2024-04-25T22:00", "2024-04-26T21:00"],
    }));
  test("a whole day, in Apia", () =>
    check({
      zone: "Pacific/Apia",
      from: "2011-12-29T12:00",
      expression: "0 0 12 * * ?",
      utc: ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"],
    }));
});

describe("the clock is set back", () => {
  const zone = "America/New_York";
  const from = "2024-11-03T05:00";
  test("a named time that exists twice occurs in the first pass", () =>
    check({ zone, from, expression: "0 30 1 * * ?", utc: ["2024-11-03T05:30", "2024-11-04T06:30"] }));
  test("and not again if searched from between the passes", () =>
    check({ zone, from: "2024-11-03T05:45", expression: "0 30 1 * * ?", utc: ["2024-11-04T06:30"] }));
  test("each hour at :30 occurs in both passes", () =>
    check({
      zone,
      from,
      expression: "0 30 * * * ?",
      utc: ["2024-11-03T05:30", "2024-11-03T06:30", "2024-11-03T07:30"],
    }));
  test("a rhythm within the hour continues in real time", () =>
    check({
      zone,
      from: "2024-11-03T05:10",
      expression: "*/20 1-2 * * *",
      dialect: "unix",
      utc: [
        "2024-11-03T05:20",
        "2024-11-03T05:40",
        "2024-11-03T06:00",
        "2024-11-03T06:20",
        "2024-11-03T06:40",
        "2024-11-03T07:00",
      ],
    }));
  test("the second pass is found although the next match is a year later", () =>
    check({
      zone,
      from: "2024-11-03T05:45",
      expression: "*/20 1 3 11 *",
      dialect: "unix",
      utc: ["2024-11-03T06:00", "2024-11-03T06:20", "2024-11-03T06:40", "2025-11-03T06:00"],
    }));
  test("half an hour, at Lord Howe", () =>
    check({
      zone: "Australia/Lord_Howe",
      from: "2024-04-06T12:00",
      expression: "0 45 1 * * ?",
      utc: ["2024-04-06T14:45", "2024-04-07T15:15"],
    }));
});

test("a zone without clock changes is an offset", () =>
  check({
    zone: "Asia/Shanghai",
    from: "2024-12-31T15:00",
    expression: "0 0 0 * * ?",
    utc: ["2024-12-31T16:00", "2025-01-01T16:00"],
  }));

const CHANGES: [string, string][] = [
  ["Europe/Berlin", "2024-03-31T01:00Z"],
  ["Europe/Berlin", "2024-10-27T01:00Z"],
  ["America/New_York", "2025-03-09T07:00Z"],
  ["America/New_York", "2025-11-02T06:00Z"],
  ["Australia/Lord_Howe", "2024-04-06T15:00Z"],
  ["Australia/Lord_Howe", "2024-10-05T15:30Z"],
  ["Africa/Cairo", "2024-04-25T22:00Z"],
  ["Africa/Cairo", "2024-10-31T21:00Z"],
  ["Africa/Casablanca", "2024-03-10T02:00Z"],
  ["Africa/Casablanca", "2024-04-14T02:00Z"],
  ["America/Sao_Paulo", "2018-02-18T02:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
];
const MINUTE = 60_000;

/** The wall time of the platform's calendar, as milliseconds of UTC. */
function platformClock(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (instant) => Date.parse(`${format.format(instant).replace(" ", "T")}Z`);
}

/** The stated rules, minute by minute, for `minutes hours * * *`. */
function slowOccurrences(
  minutes: Set<number>,
  hours: Set<number>,
  repeats: boolean,
  walls: [number, number][],
) {
  const goesOn = hours.size === 24;
  const matches = (wall: number) =>
    minutes.has(new Date(wall).getUTCMinutes()) && hours.has(new Date(wall).getUTCHours());
  const seen = new Set<number>();
  const occurrences: number[] = [];
  let previous = walls[0]?.[1] ?? 0;
  for (const [instant, wall] of walls) {
    let madeUp = false;
    for (let skipped = previous + MINUTE; skipped < wall; skipped += MINUTE) madeUp ||= matches(skipped);
    const isOpen = goesOn || repeats || !seen.has(wall);
    if ((madeUp && !goesOn) || (matches(wall) && isOpen)) occurrences.push(instant);
    seen.add(wall);
    previous = wall;
  }
  return occurrences;
}

test("follows the documented rules around real changes, minute by minute", () => {
  const random = sampling(process.env.TEST_SEED);
  for (const [zone, change] of CHANGES) {
    const clock = platformClock(zone);
    const middle = Date.parse(change);
    const instants = Array.from({ length: 2_880 }, (_, index) => middle + (index - 1_440) * MINUTE);
    const walls = instants.map((instant): [number, number] => [instant, clock(instant)]);
    assert.notEqual(clock(middle) - clock(middle - MINUTE), MINUTE, `${zone} changes at ${change}`);
    for (let round = 0; round < 40; round++) {
      const step = random.pick([10, 15, 20]);
      const repeats = random.chance(0.4);
      const named = Array.from({ length: random.whole(1, 3) }, () => random.whole(0, 59));
      const minutes = repeats ? Array.from({ length: 60 / step }, (_, index) => index * step) : named;
      const everyHour = random.chance(0.25);
      const hours = Array.from({ length: everyHour ? 24 : random.whole(1, 6) }, (_, index) =>
        everyHour ? index : random.pick([index, index + 18, random.whole(0, 23)]),
      );
      const expression = `${repeats ? `*/${step}` : named.join(",")} ${hours.join(",")} * * *`;
      const schedule = compileCron(expression, "unix");
      const actual: number[] = [];
      let last = instants[0] as number;
      for (;;) {
        last = nextCronOccurrence(schedule, zoneNamed(zone), last);
        if (last > (instants.at(-1) as number)) break;
        actual.push(last);
      }
      const expected = slowOccurrences(new Set(minutes), new Set(hours), repeats, walls);
      const afterFirst = expected.filter((instant) => instant > (instants[0] as number));
      assert.deepEqual(actual, afterFirst, `TEST_SEED=${random.seed} ${zone} ${change} ${expression}`);
    }
  }
});

test("is strictly later and skips nothing, from every instant", () => {
  const random = sampling(process.env.TEST_SEED);
  for (let round = 0; round < 400; round++) {
    const [zone, change] = random.pick(CHANGES);
    const expression = random.pick([
      "*/7 * * * * ?",
      `0 ${random.whole(0, 59)} ${random.whole(0, 3)} * * ?`,
      "30 5/13 * * * ?",
      `0 */10 ${random.whole(0, 2)}-${random.whole(3, 6)} * * ?`,
      "0 0 0 L * ?",
    ]);
    const schedule = compileCron(expression, "quartz");
    const after = Date.parse(change) + random.whole(-4 * 3_600_000, 4 * 3_600_000);
    const next = nextCronOccurrence(schedule, zoneNamed(zone), after);
    const label = `TEST_SEED=${random.seed} ${zone} ${expression} after ${after}`;
    assert.ok(next > after, label);
    const between = random.whole(after, next - 1);
    assert.equal(nextCronOccurrence(schedule, zoneNamed(zone), between), next, label);
  }
});

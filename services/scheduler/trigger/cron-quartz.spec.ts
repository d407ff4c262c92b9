import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cron } from "croner";
import type { TriggerFault, TriggerReason } from "../../../shared/contracts/trigger-faults.ts";
import { nextOccurrences, parseTrigger } from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";
import { type Sampling, sampling } from "./trigger-sampling.fixture.ts";

const cron = (expression: string) =>
  parseTrigger(
    { execStrategy: "cron", expression, startAt: null, endAt: null, timezone: "UTC", cronDialect: "quartz" },
    0,
  );
const occurrences = (expression: string, count = 3, from = "2024-06-15T12:00:00Z") =>
  nextOccurrences(cron(expression), Date.parse(from), count).map((at) =>
    new Date(at).toISOString().slice(0, 19),
  );

describe("the quartz dialect", () => {
  const cases: [string, string[]][] = [
    ["* */1 * * * ?", ["2024-06-15T12:00:01", "2024-06-15T12:00:02", "2024-06-15T12:00:03"]],
    ["* * 3 * * ?", ["2024-06-16T03:00:00", "2024-06-16T03:00:01", "2024-06-16T03:00:02"]],
    ["* * * 1 * ?", ["2024-07-01T00:00:00", "2024-07-01T00:00:01", "2024-07-01T00:00:02"]],
    ["0 0 0 ? * 1-5", ["2024-06-16T00:00:00", "2024-06-17T00:00:00", "2024-06-18T00:00:00"]],
    ["0 0 12 L * ?", ["2024-06-30T12:00:00", "2024-07-31T12:00:00", "2024-08-31T12:00:00"]],
    ["0 0 12 L-3 * ?", ["2024-06-27T12:00:00", "2024-07-28T12:00:00", "2024-08-28T12:00:00"]],
    ["0 0 12 LW * ?", ["2024-06-28T12:00:00", "2024-07-31T12:00:00", "2024-08-30T12:00:00"]],
    ["0 0 12 L-2W * ?", ["2024-06-28T12:00:00", "2024-07-29T12:00:00", "2024-08-29T12:00:00"]],
    ["0 0 12 15W * ?", ["2024-07-15T12:00:00", "2024-08-15T12:00:00", "2024-09-16T12:00:00"]],
    ["0 0 12 1W * ?", ["2024-07-01T12:00:00", "2024-08-01T12:00:00", "2024-09-02T12:00:00"]],
    ["0 0 12 1W 6 ?", ["2025-06-02T12:00:00", "2026-06-01T12:00:00", "2027-06-01T12:00:00"]],
    ["0 0 12 1W 6 ? 2030", ["2030-06-03T12:00:00"]],
    ["0 0 12 31W 3 ? 2030", ["2030-03-29T12:00:00"]],
    ["0 0 12 31W * ?", ["2024-07-31T12:00:00", "2024-08-30T12:00:00", "2024-10-31T12:00:00"]],
    ["0 0 12 ? * L", ["2024-06-22T12:00:00", "2024-06-29T12:00:00", "2024-07-06T12:00:00"]],
    ["0 0 12 ? * 6L", ["2024-06-28T12:00:00", "2024-07-26T12:00:00", "2024-08-30T12:00:00"]],
    ["0 0 12 ? * friL", ["2024-06-28T12:00:00", "2024-07-26T12:00:00", "2024-08-30T12:00:00"]],
    ["0 0 12 ? * 6#3", ["2024-06-21T12:00:00", "2024-07-19T12:00:00", "2024-08-16T12:00:00"]],
    ["0 0 12 ? * MON#5", ["2024-07-29T12:00:00", "2024-09-30T12:00:00", "2024-12-30T12:00:00"]],
    ["0 0 22-2/2 ? * SAT", ["2024-06-15T22:00:00", "2024-06-22T00:00:00", "2024-06-22T02:00:00"]],
    ["0 0 0 ? * FRI-MON", ["2024-06-16T00:00:00", "2024-06-17T00:00:00", "2024-06-21T00:00:00"]],
    ["0 0 0 1 NOV-FEB ?", ["2024-11-01T00:00:00", "2024-12-01T00:00:00", "2025-01-01T00:00:00"]],
    ["/20 50/5 12 15 6 ?", ["2024-06-15T12:50:00", "2024-06-15T12:50:20", "2024-06-15T12:50:40"]],
    ["0 0 0 1 1 ? 2030-2034/2", ["2030-01-01T00:00:00", "2032-01-01T00:00:00", "2034-01-01T00:00:00"]],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => assert.deepEqual(occurrences(expression), expected));
  }
});

describe("errors", () => {
  const cases: [string, TriggerReason][] = [
    ["* * * * * *", "DAY_OR_WEEKDAY"],
    ["0 0 0 ? * ?", "DAY_OR_WEEKDAY"],
    ["0 0 0 13 * FRI", "DAY_OR_WEEKDAY"],
    ["* * * * * 0", "DAY_OR_WEEKDAY"],
    ["0 0 0 ? * 0", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 ? * 8", "FIELD_OUT_OF_RANGE"],
    ["? 0 0 * * ?", "FIELD_UNREADABLE"],
    ["0 0 24 * * ?", "FIELD_OUT_OF_RANGE"],
    ["0 */60 * * * ?", "STEP_OUT_OF_RANGE"],
    ["0 0/0 * * * ?", "STEP_OUT_OF_RANGE"],
    ["0 0 0 32W * ?", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 L-31 * ?", "DAY_OFFSET_OUT_OF_RANGE"],
    ["0 0 0 W * ?", "FIELD_UNREADABLE"],
    ["0 0 0 ? * 6#6", "NTH_WEEKDAY_OUT_OF_RANGE"],
    ["0 0 0 ? * 9#1", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 ? * xyzL", "FIELD_UNREADABLE"],
    ["0 0 0 ? * MON/2", "NAME_WITH_STEP"],
    ["0 0 0 * * ? 2100", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 * * ? 2030-2020", "YEARS_REVERSED"],
    ["0 3 * * *", "FIELD_COUNT"],
    ["0 0 0 31 4,6,9,11 ?", "NEVER_DUE"],
  ];
  for (const [expression, reason] of cases) {
    test(`"${expression}": ${reason}`, () => {
      assert.throws(
        () => cron(expression),
        (error) => {
          assert.ok(error instanceof InvalidTrigger);
          assert.equal((error.data as TriggerFault).reason, reason);
          return true;
        },
      );
    });
  }
});

function randomExpression(random: Sampling): string {
  const item = (least: number, most: number) => {
    const ends = [random.whole(least, most), random.whole(least, most)].sort((a, b) => a - b);
    const step = random.whole(1, Math.min(12, most - least));
    const range = ends.join("-");
    return random.pick([`${ends[0]}`, range, `*/${step}`, `${range}/${step}`, `${ends[0]}/${step}`]);
  };
  const field = (least: number, most: number) =>
    Array.from({ length: random.whole(1, 3) }, () => item(least, most)).join(",");
  const orStar = (text: string) => (random.chance(0.4) ? "*" : text);
  const day = random.pick([field(1, 31), "*", "L", "LW", `${random.whole(1, 28)}W`]);
  const weekday = random.pick([
    field(1, 7),
    `${random.whole(1, 7)}#${random.whole(1, 5)}`,
    `${random.whole(1, 7)}L`,
  ]);
  const days = random.chance(0.5) ? [day, orStar(field(1, 12)), "?"] : ["?", orStar(field(1, 12)), weekday];
  const years = random.chance(0.3) ? [`${random.whole(2020, 2028)}-2035`] : [];
  return [orStar(field(0, 59)), orStar(field(0, 59)), orStar(field(0, 23)), ...days, ...years].join(" ");
}

test("agrees with croner on random expressions", () => {
  const random = sampling(process.env.TEST_SEED);
  for (let round = 0; round < 500; round++) {
    const expression = randomExpression(random);
    const after = Date.UTC(2020, 0) + random.whole(0, 3_650 * 86_400) * 1000;
    const oracle = new Cron(expression, {
      timezone: "UTC",
      mode: "6-or-7-parts",
      alternativeWeekdays: true,
      sloppyRanges: true,
    });
    const expected = oracle.nextRuns(4, new Date(after)).map((run) => run.getTime());
    if (expected.length === 0) continue;
    const actual = nextOccurrences(cron(expression), after, 4);
    assert.deepEqual(
      actual,
      expected,
      `TEST_SEED=${random.seed} round ${round}: ${expression} after ${after}`,
    );
  }
});

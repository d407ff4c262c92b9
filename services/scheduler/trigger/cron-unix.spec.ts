import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cron } from "croner";
import type { TriggerFault, TriggerReason } from "../../../shared/contracts/trigger-faults.ts";
import { nextOccurrences, parseTrigger } from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";
import { type Sampling, sampling } from "./trigger-sampling.fixture.ts";

const cron = (expression: string) =>
  parseTrigger(
    { execStrategy: "cron", expression, startAt: null, endAt: null, timezone: "UTC", cronDialect: "unix" },
    0,
  );
const occurrences = (expression: string, count = 3, from = "2024-06-15T12:00:00Z") =>
  nextOccurrences(cron(expression), Date.parse(from), count).map((at) =>
    new Date(at).toISOString().slice(0, 16),
  );

describe("the unix dialect", () => {
  const cases: [string, string[]][] = [
    ["*/20 * * * *", ["2024-06-15T12:20", "2024-06-15T12:40", "2024-06-15T13:00"]],
    ["0 0 * * 0", ["2024-06-16T00:00", "2024-06-23T00:00", "2024-06-30T00:00"]],
    ["0 0 * * 7", ["2024-06-16T00:00", "2024-06-23T00:00", "2024-06-30T00:00"]],
    ["0 0 * * 5-7", ["2024-06-16T00:00", "2024-06-21T00:00", "2024-06-22T00:00"]],
    ["0 0 * * */2", ["2024-06-16T00:00", "2024-06-18T00:00", "2024-06-20T00:00"]],
    ["0 0 * jul mon-wed", ["2024-07-01T00:00", "2024-07-02T00:00", "2024-07-03T00:00"]],
    // Both given: either day will do.
    ["0 0 13 * fri", ["2024-06-21T00:00", "2024-06-28T00:00", "2024-07-05T00:00"]],
    ["0 0 20 * fri", ["2024-06-20T00:00", "2024-06-21T00:00", "2024-06-28T00:00"]],
    // One begins with a star: both must match.
    ["0 0 */2 * fri", ["2024-06-21T00:00", "2024-07-05T00:00", "2024-07-19T00:00"]],
    ["@daily", ["2024-06-16T00:00", "2024-06-17T00:00", "2024-06-18T00:00"]],
    ["@Hourly", ["2024-06-15T13:00", "2024-06-15T14:00", "2024-06-15T15:00"]],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => assert.deepEqual(occurrences(expression), expected));
  }
});

describe("errors", () => {
  const cases: [string, TriggerReason][] = [
    ["0 0 3 * * ?", "FIELD_COUNT"],
    ["60 * * * *", "FIELD_OUT_OF_RANGE"],
    ["0 24 * * *", "FIELD_OUT_OF_RANGE"],
    ["0 0 * * 8", "FIELD_OUT_OF_RANGE"],
    ["0 0 * * fri-mon", "RANGE_REVERSED"],
    ["5/10 * * * *", "STEP_WITHOUT_RANGE"],
    ["*/0 * * * *", "STEP_OUT_OF_RANGE"],
    ["0 0 ? * 1", "FIELD_UNREADABLE"],
    ["0 0 L * *", "FIELD_UNREADABLE"],
    ["@reboot", "NICKNAME_UNKNOWN"],
    ["0 0 30 2 *", "NEVER_DUE"],
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

/** Leaves out a day or weekday that begins with a star without being one: there croner keeps to "either". */
function randomExpression(random: Sampling): string {
  const item = (least: number, most: number, forms: number) => {
    const ends = [random.whole(least, most), random.whole(least, most)].sort((a, b) => a - b);
    const step = random.whole(1, Math.min(12, most - least));
    return [`${ends[0]}`, ends.join("-"), `${ends.join("-")}/${step}`, `*/${step}`][
      random.whole(0, forms - 1)
    ];
  };
  const field = (least: number, most: number, forms = 4) =>
    random.chance(0.4)
      ? "*"
      : Array.from({ length: random.whole(1, 3) }, () => item(least, most, forms)).join(",");
  return [field(0, 59), field(0, 23), field(1, 31, 3), field(1, 12), field(0, 7, 3)].join(" ");
}

test("agrees with croner on random expressions", () => {
  const random = sampling(process.env.TEST_SEED);
  for (let round = 0; round < 500; round++) {
    const expression = randomExpression(random);
    const after = Date.UTC(2020, 0) + random.whole(0, 3_650 * 86_400) * 1000;
    const oracle = new Cron(expression, { timezone: "UTC", mode: "5-part" });
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

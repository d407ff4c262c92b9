import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { TriggerFault, TriggerReason } from "../../../shared/contracts/trigger-faults.ts";
import { AppError } from "../../../shared/errors.ts";
import { nextOccurrences, parseTrigger } from "./trigger.ts";
import { sampling } from "./trigger-sampling.fixture.ts";

const cron = (expression: string, timezone = "Asia/Shanghai") =>
  parseTrigger(
    { execStrategy: "cron", expression, startAt: null, endAt: null, timezone, cronDialect: "kinit" },
    0,
  );

/** Saturday noon in Shanghai, as wall times there. */
function occurrences(expression: string, count = 3, from = "2024-06-15 12:00:00"): string[] {
  const shanghai = 8 * 3_600_000;
  const after = Date.parse(`${from.replace(" ", "T")}Z`) - shanghai;
  return nextOccurrences(cron(expression), after, count).map((instant) =>
    new Date(instant + shanghai).toISOString().slice(0, 19).replace("T", " "),
  );
}

function refusal(expression: string): AppError {
  try {
    cron(expression);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.type, "TRIGGER_INVALID");
    assert.equal(error.code, 400);
    assert.ok(error.message.startsWith("Invalid expression: "), error.message);
    return error;
  }
  assert.fail(`${expression} was accepted`);
}

describe("the kinit dialect, as observed in the Python original", () => {
  const observed: [string, string, string[]][] = [
    [
      "* */1 * * * ?",
      "each minute at :00",
      ["2024-06-15 12:01:00", "2024-06-15 12:02:00", "2024-06-15 12:03:00"],
    ],
    ["* * 3 * * ?", "03:00:00 daily", ["2024-06-16 03:00:00", "2024-06-17 03:00:00", "2024-06-18 03:00:00"]],
    [
      "* * * 1 * ?",
      "00:00:00 on the 1st",
      ["2024-07-01 00:00:00", "2024-08-01 00:00:00", "2024-09-01 00:00:00"],
    ],
    ["* * * * * 0", "Monday 00:00:00", ["2024-06-17 00:00:00", "2024-06-24 00:00:00", "2024-07-01 00:00:00"]],
    [
      "0 0 0 ? * 1-5",
      "Tuesday to Saturday",
      ["2024-06-18 00:00:00", "2024-06-19 00:00:00", "2024-06-20 00:00:00"],
    ],
    [
      "0 0 0 13 * fri",
      "Friday the 13th",
      ["2024-09-13 00:00:00", "2024-12-13 00:00:00", "2025-06-13 00:00:00"],
    ],
    [
      "0 0 0 last * ?",
      "last day of the month",
      ["2024-06-30 00:00:00", "2024-07-31 00:00:00", "2024-08-31 00:00:00"],
    ],
  ];
  for (const [expression, meaning, expected] of observed) {
    test(`${expression} is due ${meaning}`, () => assert.deepEqual(occurrences(expression), expected));
  }

  test("1-5 excludes Sunday and Monday", () => {
    const days = occurrences("0 0 0 ? * 1-5", 10).map((wall) =>
      new Date(`${wall.replace(" ", "T")}Z`).getUTCDay(),
    );
    assert.deepEqual(days, [2, 3, 4, 5, 6, 2, 3, 4, 5, 6]);
  });
});

describe("open fields", () => {
  const cases: [string, string[]][] = [
    ["* * * * * ?", ["2024-06-15 12:00:01", "2024-06-15 12:00:02"]],
    ["? ? ? ? ? ? ?", ["2024-06-15 12:00:01", "2024-06-15 12:00:02"]],
    ["5 * * * * *", ["2024-06-15 12:00:05", "2024-06-15 12:01:05"]],
    ["* 5 * * * *", ["2024-06-15 12:05:00", "2024-06-15 13:05:00"]],
    ["0 * 2 * * ?", ["2024-06-16 02:00:00", "2024-06-16 02:01:00"]],
    ["* * * * 3 ?", ["2025-03-01 00:00:00", "2026-03-01 00:00:00"]],
    ["* * * * * ? 2030", ["2030-01-01 00:00:00"]],
    ["30 * * * * ? 2030", ["2030-01-01 00:00:30", "2030-01-01 00:01:30"]],
    ["* * * * 2 tue 2030-2031", ["2030-02-05 00:00:00", "2030-02-12 00:00:00"]],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => assert.deepEqual(occurrences(expression, 2), expected));
  }
});

describe("forms of a field", () => {
  const cases: [string, string[]][] = [
    ["*/25 * * * * ?", ["2024-06-15 12:00:25", "2024-06-15 12:00:50", "2024-06-15 12:01:00"]],
    ["40/10 * * * * ?", ["2024-06-15 12:00:40", "2024-06-15 12:00:50", "2024-06-15 12:01:40"]],
    ["10-50/20 * * * * ?", ["2024-06-15 12:00:10", "2024-06-15 12:00:30", "2024-06-15 12:00:50"]],
    ["1,5-6 * * * * ?", ["2024-06-15 12:00:01", "2024-06-15 12:00:05", "2024-06-15 12:00:06"]],
    ["0-0/3 * * * * ?", ["2024-06-15 12:01:00", "2024-06-15 12:02:00", "2024-06-15 12:03:00"]],
    ["0 0 0 1 JAN-feb ?", ["2025-01-01 00:00:00", "2025-02-01 00:00:00", "2026-01-01 00:00:00"]],
    ["0 0 0 ? * Sat,SUN", ["2024-06-16 00:00:00", "2024-06-22 00:00:00", "2024-06-23 00:00:00"]],
    ["0 0 0 2nd fri * ?", ["2024-07-12 00:00:00", "2024-08-09 00:00:00", "2024-09-13 00:00:00"]],
    ["0 0 0 20,last fri * ?", ["2024-06-20 00:00:00", "2024-06-28 00:00:00", "2024-07-20 00:00:00"]],
    ["0 0 0 5th mon * ?", ["2024-07-29 00:00:00", "2024-09-30 00:00:00", "2024-12-30 00:00:00"]],
    ["0 0 0 29 2 ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00", "2036-02-29 00:00:00"]],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => assert.deepEqual(occurrences(expression), expected));
  }
});

describe("errors contain the field, the fault and what is valid", () => {
  const cases: [string, string | undefined, TriggerReason][] = [
    ["", undefined, "EXPRESSION_EMPTY"],
    ["* * * * *", undefined, "FIELD_COUNT"],
    ["* * * * * * * *", undefined, "FIELD_COUNT"],
    ["0 0 24 * * ?", "hour", "FIELD_OUT_OF_RANGE"],
    ["60 * * * * ?", "second", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 0 * ?", "day", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 ? * 7", "weekday", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 L * ?", "day", "QUARTZ_FEATURE"],
    ["0 0 0 15W * ?", "day", "QUARTZ_FEATURE"],
    ["0 0 0 ? * 6#3", "weekday", "QUARTZ_FEATURE"],
    ["0 0 0 ? * fri#3", "weekday", "QUARTZ_FEATURE"],
    ["H * * * * ?", "second", "QUARTZ_FEATURE"],
    ["50-10 * * * * ?", "second", "RANGE_REVERSED"],
    ["0 0 0 ? * sat-mon", "weekday", "RANGE_REVERSED"],
    ["*/60 * * * * ?", "second", "STEP_WIDER_THAN_RANGE"],
    ["59/1 * * * * ?", "second", "STEP_WIDER_THAN_RANGE"],
    ["*/0 * * * * ?", "second", "STEP_ZERO"],
    ["1,,2 * * * * ?", "second", "FIELD_UNREADABLE"],
    ["-5 * * * * ?", "second", "FIELD_UNREADABLE"],
    ["1.5 * * * * ?", "second", "FIELD_UNREADABLE"],
    ["0 0 0 1 january ?", "month", "FIELD_UNREADABLE"],
    ["0 0 0 ? * mon-5", "weekday", "NAME_NOT_ALONE"],
    ["0 0 0 ? * mon-fri/2", "weekday", "NAME_NOT_ALONE"],
    ["0 0 0 * * ? 1969", "year", "FIELD_OUT_OF_RANGE"],
    ["0 0 0 30 2 ?", undefined, "NEVER_DUE"],
    ["＊ * * * * ?", undefined, "EXPRESSION_FULL_WIDTH"],
  ];
  for (const [expression, part, reason] of cases) {
    test(`"${expression}": ${reason}`, () => {
      const fault = refusal(expression).data as TriggerFault;
      assert.deepEqual([fault.field, fault.reason], ["expression", reason]);
      assert.equal("part" in fault ? fault.part : undefined, part);
    });
  }

  test("a long token is cut to 40 characters, and a long expression is not repeated", () => {
    assert.ok(!refusal(`${"9".repeat(60)} * * * * ?`).message.includes("9".repeat(41)));
    assert.ok(!refusal(`${"1,".repeat(300)}1 * * * * ?`).message.includes("1,1,1"));
  });
});

test("has the occurrences recorded from APScheduler", () => {
  const file = new URL("./cron-kinit.recorded.tsv", import.meta.url);
  const rows = readFileSync(file, "utf8").trim().split("\n").slice(2);
  assert.equal(rows.length, 120);
  for (const row of rows) {
    const [expression, timezone, now, recorded] = row.split("\t") as [string, string, string, string];
    if (recorded === "refused") refusal(expression);
    else {
      const instants = nextOccurrences(cron(expression, timezone), Date.parse(now) - 1, 4);
      assert.deepEqual(instants, recorded.split(" ").map(Date.parse), row);
    }
  }
});

type Given = (string | null)[];

/** The written rules, evaluated second by second in UTC. */
function slowOccurrences(fields: Given, after: number, count: number): number[] {
  const [second, minute, hour, day, month, weekday] = fields;
  const bySize = [month, day, weekday, hour, minute, second];
  const last = bySize.findLastIndex((text) => text != null);
  const least = ["1", "1", null, "0", "0", "0"];
  const effective = bySize.map((text, index) => text ?? (last >= 0 && index > last ? least[index] : null));
  const admits = (text: string | null | undefined, value: number, range: [number, number]) =>
    text == null || text.split(",").some((item) => admitsItem(item, value, range));
  const found: number[] = [];
  const start = Math.floor(after / 86_400_000) * 86_400_000;
  for (
    let midnight = start;
    midnight < start + 3_700 * 86_400_000 && found.length < count;
    midnight += 86_400_000
  ) {
    const date = new Date(midnight);
    const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
    const dayText = effective[1]?.replaceAll("last", String(lastDay));
    if (!admits(effective[0], date.getUTCMonth() + 1, [1, 12])) continue;
    if (!admits(dayText, date.getUTCDate(), [1, 31])) continue;
    if (!admits(effective[2], (date.getUTCDay() + 6) % 7, [0, 6])) continue;
    for (let time = 0; time < 86_400 && found.length < count; time++) {
      if (midnight + time * 1000 <= after) continue;
      if (!admits(effective[3], Math.floor(time / 3600), [0, 23])) time += 3599 - (time % 3600);
      else if (!admits(effective[4], Math.floor(time / 60) % 60, [0, 59])) time += 59 - (time % 60);
      else if (admits(effective[5], time % 60, [0, 59])) found.push(midnight + time * 1000);
    }
  }
  return found;
}

function admitsItem(item: string, value: number, [least, most]: [number, number]): boolean {
  const [range, step = "1"] = item.split("/") as [string, string?];
  const [from, to] = range === "*" ? [least, most] : (range.split("-").map(Number) as [number, number?]);
  const end = to ?? (item.includes("/") ? most : from);
  return value >= from && value <= end && (value - from) % Number(step) === 0;
}

test("agrees with a slow implementation of the rules on random expressions", () => {
  const random = sampling(process.env.TEST_SEED);
  const item = (least: number, most: number) => {
    const from = random.whole(least, most - 1);
    const to = random.whole(from + 1, most);
    const step = random.whole(1, to - from);
    return random.pick([`${from}`, `${from}-${to}`, `${from}-${to}/${step}`, `${from}/${step}`, `*/${step}`]);
  };
  const field = (least: number, most: number, extra: string[] = []) => {
    if (random.chance(0.5)) return null;
    const items = Array.from({ length: random.whole(1, 3) }, () => item(least, most));
    return [...items, ...(random.chance(0.2) ? extra : [])].join(",");
  };
  for (let round = 0; round < 300; round++) {
    const fields = [
      field(0, 59),
      field(0, 59),
      field(0, 23),
      field(1, 31, ["last"]),
      field(1, 12),
      field(0, 6),
    ];
    const expression = fields.map((text) => text ?? random.pick(["*", "?"])).join(" ");
    const after = Date.UTC(2021, 0) + random.whole(0, 2_000 * 86_400) * 1000;
    const expected = slowOccurrences(fields, after, 5);
    if (expected.length < 5) continue;
    const actual = nextOccurrences(cron(expression, "UTC"), after, 5);
    assert.deepEqual(
      actual,
      expected,
      `TEST_SEED=${random.seed} round ${round}: ${expression} after ${after}`,
    );
  }
});

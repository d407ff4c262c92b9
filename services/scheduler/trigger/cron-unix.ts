import {
  checkRange,
  type ExpressionLayout,
  type FieldItem,
  type FieldSpec,
  isRepeating,
  MONTH_NAMES,
  maskOf,
  readItem,
  refuseExpression,
  refuseField,
  splitFields,
  WEEKDAY_NAMES_FROM_SUNDAY,
} from "./cron-field.ts";
import type { CronFields, Run } from "./cron-schedule.ts";

const MINUTE: FieldSpec = { part: "minute", position: 1, min: 0, max: 59, expected: "0-59" };
const HOUR: FieldSpec = { part: "hour", position: 2, min: 0, max: 23, expected: "0-23" };
const DAY: FieldSpec = { part: "day", position: 3, min: 1, max: 31, expected: "1-31" };
const MONTH: FieldSpec = {
  part: "month",
  position: 4,
  min: 1,
  max: 12,
  names: MONTH_NAMES,
  expected: "1-12 或 jan-dec",
};
const WEEKDAY: FieldSpec = {
  part: "weekday",
  position: 5,
  min: 0,
  max: 7,
  names: WEEKDAY_NAMES_FROM_SUNDAY,
  expected: "0-7（0 与 7 均为周日）或 sun-sat",
};

const LAYOUT: ExpressionLayout = { least: 5, most: 5, described: "分 时 日 月 周", example: "0 3 * * *" };

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

const EVERY_YEAR: Run = { from: 1970, to: 9999, step: 1 };
const AT_ZERO: Run = { from: 0, to: 0, step: 1 };

/**
 * Reads crontab(5): *minute hour day month weekday*, or a nickname such as `@daily`.
 * - Weekday 0 and 7 are Sunday. Day and weekday: where either begins with `*` both must match, otherwise either may.
 * - `a`, `a-b`, `a,b`, `*` and steps on `*` or a range; names wherever a number may stand. Ranges do not wrap.
 * @throws InvalidTrigger
 */
export function unixFields(expression: string): CronFields {
  const trimmed = expression.trim().toLowerCase();
  if (trimmed.startsWith("@") && !NICKNAMES.has(trimmed)) {
    refuseExpression("@ 开头的别名应为 @yearly @monthly @weekly @daily @hourly 之一", "@daily");
  }
  const texts = splitFields(NICKNAMES.get(trimmed) ?? expression, LAYOUT);
  const [minute, hour, day, month, weekday] = texts as [string, string, string, string, string];
  return {
    seconds: [AT_ZERO],
    minutes: unixRuns(minute, MINUTE),
    hours: unixRuns(hour, HOUR),
    months: unixRuns(month, MONTH),
    years: [EVERY_YEAR],
    dayRule: {
      days: maskOf(unixRuns(day, DAY)),
      specialDays: [],
      weekdays: maskOf(unixRuns(weekday, WEEKDAY), (value) => value % 7),
      specialWeekdays: [],
      combine: day.startsWith("*") || weekday.startsWith("*") ? "and" : "or",
    },
    repeatsWithinHour: isRepeating(minute),
  };
}

function unixRuns(text: string, spec: FieldSpec): Run[] {
  return text.split(",").map((token) => {
    const item = readItem(token, spec);
    if (!item) {
      refuseField(spec, token, `无法识别，应为 ${spec.expected}，可写作 a、a-b、a,b、*、*/n、a-b/n`);
    }
    return unixRun(item, spec);
  });
}

function unixRun({ text, first, last, step }: FieldItem, spec: FieldSpec): Run {
  if (first !== null) checkRange(first, spec, text);
  if (last !== null) checkRange(last, spec, text);
  if (first !== null && last !== null && first > last) {
    refuseField(spec, text, `的范围起点大于终点，应为 ${spec.expected} 内由小到大的范围`);
  }
  if (step !== null && first !== null && last === null) {
    refuseField(spec, text, `的步长前应为 * 或范围，例如 ${first}-${spec.max}/${step}`);
  }
  if (step !== null && (step < 1 || step > spec.max)) refuseField(spec, text, `的步长应为 1-${spec.max}`);
  const isSingle = first !== null && last === null;
  // `*` of weekdays stops at Saturday: 7 is a second name of Sunday and would upset a step.
  const greatest = spec.part === "weekday" ? 6 : spec.max;
  return { from: first ?? spec.min, to: isSingle ? first : (last ?? greatest), step: step ?? 1 };
}

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

const MINUTE: FieldSpec = { syntax: "unix", part: "minute", position: 1, min: 0, max: 59, expected: "0-59" };
const HOUR: FieldSpec = { syntax: "unix", part: "hour", position: 2, min: 0, max: 23, expected: "0-23" };
const DAY: FieldSpec = { syntax: "unix", part: "day", position: 3, min: 1, max: 31, expected: "1-31" };
const MONTH: FieldSpec = {
  syntax: "unix",
  part: "month",
  position: 4,
  min: 1,
  max: 12,
  names: MONTH_NAMES,
  expected: "1-12 or jan-dec",
};
const WEEKDAY: FieldSpec = {
  syntax: "unix",
  part: "weekday",
  position: 5,
  min: 0,
  max: 7,
  names: WEEKDAY_NAMES_FROM_SUNDAY,
  expected: "0-7 (0 and 7 are Sunday) or sun-sat",
};

const LAYOUT: ExpressionLayout = { syntax: "unix", least: 5, most: 5, example: "0 3 * * *" };
const FORMS = ["a", "a-b", "a,b", "*", "*/n", "a-b/n"];

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
 * Parses crontab(5): *minute hour day month weekday*, or a nickname such as `@daily`.
 * - Weekday 0 and 7 are Sunday. If day or weekday begins with `*`, both must match; otherwise one is sufficient.
 * - `a`, `a-b`, `a,b`, `*` and steps on `*` or a range; names instead of numbers. Ranges do not wrap.
 * @throws InvalidTrigger
 */
export function unixFields(expression: string): CronFields {
  const trimmed = expression.trim().toLowerCase();
  if (trimmed.startsWith("@") && !NICKNAMES.has(trimmed)) {
    const nicknames = ["@yearly", "@monthly", "@weekly", "@daily", "@hourly"];
    refuseExpression("unix", { reason: "NICKNAME_UNKNOWN", nicknames, expected: "@daily" });
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
    if (!item) refuseField(spec, token, { reason: "FIELD_UNREADABLE", forms: FORMS });
    return unixRun(item, spec);
  });
}

function unixRun({ text, first, last, step }: FieldItem, spec: FieldSpec): Run {
  if (first !== null) checkRange(first, spec, text);
  if (last !== null) checkRange(last, spec, text);
  if (first !== null && last !== null && first > last) {
    refuseField(spec, text, "RANGE_REVERSED");
  }
  if (step !== null && first !== null && last === null) {
    refuseField(spec, text, { reason: "STEP_WITHOUT_RANGE", example: `${first}-${spec.max}/${step}` });
  }
  if (step !== null && (step < 1 || step > spec.max)) {
    refuseField(spec, text, { reason: "STEP_OUT_OF_RANGE", max: spec.max });
  }
  const isSingle = first !== null && last === null;
  // `*` of weekdays ends with Saturday: 7 is Sunday again and would change the result of a step.
  const greatest = spec.part === "weekday" ? 6 : spec.max;
  return { from: first ?? spec.min, to: isSingle ? first : (last ?? greatest), step: step ?? 1 };
}

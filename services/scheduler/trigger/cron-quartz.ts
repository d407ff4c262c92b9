import type { SpecialDay } from "./cron-days.ts";
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

/** A field with the greatest step that Quartz accepts for it. */
type QuartzField = FieldSpec & { readonly maxStep: number };

const SECOND: QuartzField = {
  syntax: "quartz",
  part: "second",
  position: 1,
  min: 0,
  max: 59,
  maxStep: 59,
  expected: "0-59",
};
const MINUTE: QuartzField = {
  syntax: "quartz",
  part: "minute",
  position: 2,
  min: 0,
  max: 59,
  maxStep: 59,
  expected: "0-59",
};
const HOUR: QuartzField = {
  syntax: "quartz",
  part: "hour",
  position: 3,
  min: 0,
  max: 23,
  maxStep: 23,
  expected: "0-23",
};
const DAY: QuartzField = {
  syntax: "quartz",
  part: "day",
  position: 4,
  min: 1,
  max: 31,
  maxStep: 31,
  expected: "1-31, ?, L, L-3, LW or 15W",
};
const MONTH: QuartzField = {
  syntax: "quartz",
  part: "month",
  position: 5,
  min: 1,
  max: 12,
  maxStep: 12,
  names: MONTH_NAMES,
  expected: "1-12 or JAN-DEC",
};
const WEEKDAY: QuartzField = {
  syntax: "quartz",
  part: "weekday",
  position: 6,
  min: 1,
  max: 7,
  maxStep: 7,
  names: WEEKDAY_NAMES_FROM_SUNDAY,
  expected: "1-7 (1 is Sunday, 7 is Saturday), SUN-SAT, ?, 6L or 6#3",
};
const YEAR: QuartzField = {
  syntax: "quartz",
  part: "year",
  position: 7,
  min: 1970,
  max: 2099,
  maxStep: 129,
  expected: "1970-2099",
};

const LAYOUT: ExpressionLayout = { syntax: "quartz", least: 6, most: 7, example: "0 0 3 * * ?" };

const FROM_END = /^L(?:-(\d{1,2}))?(W)?$/i;
const NEAREST_WORKDAY = /^(\d{1,2})W$/i;
const LAST_WEEKDAY = /^(\d|[a-z]{3})L$/i;
const NTH_WEEKDAY = /^(\d|[a-z]{3})#(\d)$/i;

/**
 * Parses the dialect of Quartz: *second minute hour day month weekday [year]*.
 * - Exactly one of day and weekday is `?`; the other one applies. Weekdays count from 1 = Sunday.
 * - `a-b` wraps if b is less than a, except for years. `a/n` runs to the end of the field, `/n` is `*`/n.
 * - day: `L` last day, `L-3` three days before it, `15W` nearest Monday–Friday within the month, `LW`, `L-3W`;
 *   a month without that day is skipped. weekday: `L` Saturday, `6L` last Friday, `6#3` third Friday.
 * - A part of the text that Quartz silently ignores (`MON/2`) is rejected.
 * @throws InvalidTrigger
 */
export function quartzFields(expression: string): CronFields {
  const texts = splitFields(expression, LAYOUT);
  const [second, minute, hour, day, month, weekday, year = "*"] = texts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string?,
  ];
  if ((day === "?") === (weekday === "?")) {
    refuseExpression("quartz", { reason: "DAY_OR_WEEKDAY", expected: "0 0 3 ? * 2-6" });
  }
  const [specialDays, days] = quartzDays(day);
  const [specialWeekdays, weekdays] = quartzWeekdays(weekday);
  return {
    seconds: quartzRuns(second, SECOND),
    minutes: quartzRuns(minute, MINUTE),
    hours: quartzRuns(hour, HOUR),
    months: quartzRuns(month, MONTH),
    years: quartzRuns(year, YEAR),
    dayRule: {
      days: maskOf(days),
      specialDays,
      weekdays: maskOf(weekdays, (value) => value - 1),
      specialWeekdays,
      combine: "and",
    },
    repeatsWithinHour: isRepeating(minute) || isRepeating(second),
  };
}

function quartzRuns(text: string, field: QuartzField): Run[] {
  return text.split(",").flatMap((token) => {
    const item = readItem(token.startsWith("/") ? `*${token}` : token, field);
    if (!item) refuseField(field, token, "FIELD_UNREADABLE");
    return quartzRun(item, field);
  });
}

function quartzRun({ text, first, last, step, named }: FieldItem, field: QuartzField): Run[] {
  if (named && step !== null) refuseField(field, text, "NAME_WITH_STEP");
  if (step !== null && (step < 1 || step > field.maxStep)) {
    refuseField(field, text, { reason: "STEP_OUT_OF_RANGE", max: field.maxStep });
  }
  if (first !== null) checkRange(first, field, text);
  if (last !== null) checkRange(last, field, text);
  const from = first ?? field.min;
  const isSingle = first !== null && last === null && step === null;
  const to = isSingle ? from : (last ?? field.max);
  if (from <= to) return [{ from, to, step: step ?? 1 }];
  if (field.part === "year") refuseField(field, text, "YEARS_REVERSED");
  return wrappedRun({ from, to, step: step ?? 1 }, field);
}

/** The values of a range that wraps at the end of its field. */
function wrappedRun({ from, to, step }: Run, { min, max }: QuartzField): Run[] {
  const size = max - min + 1;
  const runs: Run[] = [];
  for (let value = from; value <= to + size; value += step) {
    const wrapped = value > max ? value - size : value;
    runs.push({ from: wrapped, to: wrapped, step: 1 });
  }
  return runs;
}

function quartzDays(text: string): [SpecialDay[], Run[]] {
  const specialDays: SpecialDay[] = [];
  const runs: Run[] = [];
  if (text === "?") return [[], quartzRuns("*", DAY)];
  for (const token of text.split(",")) {
    const fromEnd = FROM_END.exec(token);
    const nearest = NEAREST_WORKDAY.exec(token);
    if (fromEnd) {
      const offset = Number(fromEnd[1] ?? 0);
      if (offset > 30) refuseField(DAY, token, { reason: "DAY_OFFSET_OUT_OF_RANGE", max: 30 });
      specialDays.push({ kind: "from_end", offset, workday: fromEnd[2] !== undefined });
    } else if (nearest) {
      checkRange(Number(nearest[1]), DAY, token);
      specialDays.push({ kind: "nearest_workday", day: Number(nearest[1]) });
    } else runs.push(...quartzRuns(token, DAY));
  }
  return [specialDays, runs];
}

function quartzWeekdays(text: string): [SpecialDay[], Run[]] {
  const specialWeekdays: SpecialDay[] = [];
  const runs: Run[] = [];
  if (text === "?") return [[], quartzRuns("*", WEEKDAY)];
  for (const token of text.split(",")) {
    const last = LAST_WEEKDAY.exec(token);
    const nth = NTH_WEEKDAY.exec(token);
    if (/^L$/i.test(token)) runs.push({ from: 7, to: 7, step: 1 });
    else if (last) specialWeekdays.push(nthWeekday(last[1] as string, "last", token));
    else if (nth) specialWeekdays.push(nthWeekday(nth[1] as string, Number(nth[2]), token));
    else runs.push(...quartzRuns(token, WEEKDAY));
  }
  return [specialWeekdays, runs];
}

function nthWeekday(weekday: string, nth: number | "last", token: string): SpecialDay {
  if (nth !== "last" && (nth < 1 || nth > 5)) refuseField(WEEKDAY, token, "NTH_WEEKDAY_OUT_OF_RANGE");
  const value = readItem(weekday, WEEKDAY)?.first ?? 0;
  checkRange(value, WEEKDAY, token);
  return { kind: "nth_weekday", weekday: value - 1, nth };
}

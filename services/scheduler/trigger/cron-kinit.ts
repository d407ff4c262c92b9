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
  refuseField,
  splitFields,
  WEEKDAY_NAMES_FROM_MONDAY,
} from "./cron-field.ts";
import type { CronFields, Run } from "./cron-schedule.ts";

const FIELDS = {
  second: { syntax: "kinit", part: "second", position: 1, min: 0, max: 59, expected: "0-59" },
  minute: { syntax: "kinit", part: "minute", position: 2, min: 0, max: 59, expected: "0-59" },
  hour: { syntax: "kinit", part: "hour", position: 3, min: 0, max: 23, expected: "0-23" },
  day: { syntax: "kinit", part: "day", position: 4, min: 1, max: 31, expected: "1-31 or last" },
  month: {
    syntax: "kinit",
    part: "month",
    position: 5,
    min: 1,
    max: 12,
    names: MONTH_NAMES,
    expected: "1-12 or jan-dec",
  },
  weekday: {
    syntax: "kinit",
    part: "weekday",
    position: 6,
    min: 0,
    max: 6,
    names: WEEKDAY_NAMES_FROM_MONDAY,
    expected: "0-6 (0 is Monday, 6 is Sunday) or mon-sun",
  },
  year: { syntax: "kinit", part: "year", position: 7, min: 1970, max: 9999, expected: "1970-9999" },
} as const satisfies Record<FieldSpec["part"], FieldSpec>;

type Part = keyof typeof FIELDS;

const LAYOUT: ExpressionLayout = { syntax: "kinit", least: 6, most: 7, example: "0 0 3 * * ?" };

const WRITTEN: readonly Part[] = ["second", "minute", "hour", "day", "month", "weekday", "year"];
const BY_SIZE: readonly Part[] = ["year", "month", "day", "weekday", "hour", "minute", "second"];
const LEAST: Record<Part, string> = {
  year: "*",
  month: "1",
  day: "1",
  weekday: "*",
  hour: "0",
  minute: "0",
  second: "0",
};

const POSITIONS = ["1st", "2nd", "3rd", "4th", "5th"];
/** A day such as `last fri` contains a space. No month has the name of a weekday, so this is unambiguous. */
const DAY_WITH_BLANK = /(1st|2nd|3rd|4th|5th|last)\s+(?=(?:mon|tue|wed|thu|fri|sat|sun)(?:[\s,]|$))/gi;
const WEEKDAY_POSITION = /^(1st|2nd|3rd|4th|5th|last)_([a-z]+)$/i;
const FORMS = ["a", "a-b", "a,b", "*/n", "a/n", "a-b/n"];
/** What other dialects mean by L, LW, L-3, 15W, 6L, 6#3, H and H/5. */
const QUARTZ_ONLY = /^\d*[lwh][\dlwh/-]*$|#/i;

/**
 * Parses the dialect of the Python original: *second minute hour day month weekday [year]*, with APScheduler's rules.
 * - A field that is `*` or `?` is open. In the order year, month, day, weekday, hour, minute, second, an open field
 *   before the last given one means every value, after it the lowest one (weekday: every one). All open: every second.
 * - Weekdays count from 0 = Monday; day and weekday must both match.
 * - Values, ranges and lists; steps on `*`, a value (to the field's end) or a range; names alone or as a range;
 *   day also `last`, `2nd fri`, `last fri`. Ranges do not wrap, a step may not exceed the width of its range.
 * @throws InvalidTrigger
 */
export function kinitFields(expression: string): CronFields {
  const texts = splitFields(expression.replace(DAY_WITH_BLANK, "$1_"), LAYOUT);
  const given = new Map<Part, string>();
  for (const [index, part] of WRITTEN.entries()) {
    const text = texts[index];
    if (text !== undefined && text !== "*" && text !== "?") given.set(part, text);
  }
  const lastGiven = BY_SIZE.findLastIndex((part) => given.has(part));
  const textOf = (part: Part): string => {
    const isAfterLast = lastGiven >= 0 && BY_SIZE.indexOf(part) > lastGiven;
    return given.get(part) ?? (isAfterLast ? LEAST[part] : "*");
  };
  const runsOf = (part: Part) => kinitRuns(textOf(part), FIELDS[part]);
  const [specialDays, days] = kinitDays(textOf("day"));
  return {
    seconds: runsOf("second"),
    minutes: runsOf("minute"),
    hours: runsOf("hour"),
    months: runsOf("month"),
    years: runsOf("year"),
    dayRule: {
      days: maskOf(days),
      specialDays,
      weekdays: maskOf(runsOf("weekday"), (value) => (value + 1) % 7),
      specialWeekdays: [],
      combine: "and",
    },
    repeatsWithinHour: isRepeating(textOf("minute")) || isRepeating(textOf("second")),
  };
}

function kinitRuns(text: string, spec: FieldSpec): Run[] {
  return text.split(",").map((token) => {
    if (QUARTZ_ONLY.test(token)) refuseField(spec, token, "QUARTZ_FEATURE");
    const item = readItem(token, spec);
    if (!item) refuseField(spec, token, { reason: "FIELD_UNREADABLE", forms: FORMS });
    return kinitRun(item, spec);
  });
}

function kinitRun({ text, first, last, step, named }: FieldItem, spec: FieldSpec): Run {
  if (named && (step !== null || /\d/.test(text))) {
    refuseField(spec, text, "NAME_NOT_ALONE");
  }
  if (step === 0) refuseField(spec, text, "STEP_ZERO");
  if (first !== null) checkRange(first, spec, text);
  if (last !== null) checkRange(last, spec, text);
  if (first !== null && last !== null && first > last) {
    refuseField(spec, text, "RANGE_REVERSED");
  }
  const from = first ?? spec.min;
  // APScheduler uses the width of the whole field for `0-0`. This does the same, so that the same texts are valid.
  const width = (last || spec.max) - from;
  if (step !== null && step > width)
    refuseField(spec, text, { reason: "STEP_WIDER_THAN_RANGE", step, width });
  const isSingle = first !== null && last === null && step === null;
  return { from, to: isSingle ? from : (last ?? spec.max), step: step ?? 1 };
}

function kinitDays(text: string): [SpecialDay[], Run[]] {
  const specialDays: SpecialDay[] = [];
  const runs: Run[] = [];
  for (const token of text.split(",")) {
    const position = WEEKDAY_POSITION.exec(token);
    if (position) specialDays.push(weekdayPosition(position[1] as string, position[2] as string));
    else if (/^last$/i.test(token)) specialDays.push({ kind: "from_end", offset: 0, workday: false });
    else runs.push(...kinitRuns(token, FIELDS.day));
  }
  return [specialDays, runs];
}

function weekdayPosition(position: string, name: string): SpecialDay {
  const weekday = WEEKDAY_NAMES_FROM_MONDAY.indexOf(name.toLowerCase());
  if (weekday < 0) refuseField(FIELDS.day, `${position} ${name}`, "WEEKDAY_POSITION_UNREADABLE");
  const nth = POSITIONS.indexOf(position.toLowerCase()) + 1;
  return { kind: "nth_weekday", weekday: (weekday + 1) % 7, nth: nth === 0 ? "last" : nth };
}

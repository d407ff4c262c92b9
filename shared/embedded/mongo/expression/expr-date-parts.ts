import type { DateTime } from "luxon";
import { DateTime as Calendar } from "luxon";
import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { BsonDate, type BsonDocument, isDocument } from "../bson/values.ts";
import { calendarOf, timeZone, utc, weekOfYear } from "./instant.ts";
import {
  compileArguments,
  isNullish,
  type Maybe,
  named,
  namedArguments,
  type Operator,
  type OperatorTable,
} from "./operator.ts";

/** Operators of one date, given alone or as `{ date, timezone }`. */
function partOf(name: string, read: (at: DateTime) => Maybe): Operator {
  return (operand, context) => {
    const spec =
      isDocument(operand) && (operand.has("date") || operand.has("timezone")) ? operand : undefined;
    const fields =
      spec &&
      namedArguments(spec, {
        name,
        required: ["date"],
        optional: ["timezone"],
        codes: { shape: 40539, unknown: 40535, missing: 40539 },
      });
    const date = fields
      ? context.compile(fields.get("date")!, context.scope)
      : compileArguments(operand, context, { name, least: 1, most: 1 })[0]!;
    const zone = fields?.has("timezone")
      ? context.compile(fields.get("timezone")!, context.scope)
      : undefined;
    return (root) => {
      const value = date(root);
      const where = zone ? timeZone(zone(root)) : utc;
      if (isNullish(value) || where === undefined) return null;
      return read(calendarOf(value, where));
    };
  };
}

/** An omitted argument has its default; one that evaluates to a missing value makes the result null. */
function dateToParts(values: Readonly<Record<string, Maybe>>): Maybe {
  const { date } = values;
  const zone = "timezone" in values ? timeZone(values.timezone) : utc;
  const iso8601 = "iso8601" in values ? values.iso8601 : false;
  if (isNullish(date) || zone === undefined || isNullish(iso8601)) return null;
  const at = calendarOf(date, zone);
  const time: [string, number][] = [
    ["hour", at.hour],
    ["minute", at.minute],
    ["second", at.second],
    ["millisecond", at.millisecond],
  ];
  const day: [string, number][] = iso8601
    ? [
        ["isoWeekYear", at.weekYear],
        ["isoWeek", at.weekNumber],
        ["isoDayOfWeek", at.weekday],
      ]
    : [
        ["year", at.year],
        ["month", at.month],
        ["day", at.day],
      ];
  return new Map([...day, ...time]) as BsonDocument;
}

function part(values: Readonly<Record<string, Maybe>>, name: string, fallback: number): number | null {
  const value = values[name];
  if (value === undefined && !(name in values)) return fallback;
  if (isNullish(value)) return null;
  const number = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(number)) throw new CommandFault(40515, `'${name}' must evaluate to an integer`);
  return number;
}

function dateFromParts(values: Readonly<Record<string, Maybe>>): Maybe {
  const zone = "timezone" in values ? timeZone(values.timezone) : utc;
  const isIso = "isoWeekYear" in values;
  if (!isIso && !("year" in values))
    throw new CommandFault(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  const names = isIso
    ? (["isoWeekYear", "isoWeek", "isoDayOfWeek"] as const)
    : (["year", "month", "day"] as const);
  const day = names.map((name) => part(values, name, 1));
  const time = ["hour", "minute", "second", "millisecond"].map((name) => part(values, name, 0));
  if (zone === undefined || day.includes(null) || time.includes(null)) return null;
  const [a, b, c] = day as [number, number, number];
  const [hours, minutes, seconds, milliseconds] = time as [number, number, number, number];
  if (a < 1 || a > 9999)
    throw new CommandFault(
      40523,
      `'${names[0]}' must evaluate to an integer in the range 1 to 9999, found ${a}`,
    );
  const base = isIso
    ? Calendar.fromObject({ weekYear: a, weekNumber: 1, weekday: 1 }, { zone }).plus({
        weeks: b - 1,
        days: c - 1,
      })
    : Calendar.fromObject({ year: a }, { zone })
        .plus({ months: b - 1 })
        .plus({ days: c - 1 });
  return new BsonDate(base.plus({ hours, minutes, seconds, milliseconds }).toMillis());
}

const CODES = { shape: 40519, unknown: 40518, missing: 40522 };

/** Reading and building the calendar parts of dates. */
export const datePartOperators: OperatorTable = {
  $year: partOf("$year", (at) => at.year),
  $month: partOf("$month", (at) => at.month),
  $dayOfMonth: partOf("$dayOfMonth", (at) => at.day),
  $dayOfWeek: partOf("$dayOfWeek", (at) => (at.weekday % 7) + 1),
  $dayOfYear: partOf("$dayOfYear", (at) => at.ordinal),
  $hour: partOf("$hour", (at) => at.hour),
  $minute: partOf("$minute", (at) => at.minute),
  $second: partOf("$second", (at) => at.second),
  $millisecond: partOf("$millisecond", (at) => at.millisecond),
  $week: partOf("$week", weekOfYear),
  $isoWeek: partOf("$isoWeek", (at) => at.weekNumber),
  $isoWeekYear: partOf("$isoWeekYear", (at) => BigInt(at.weekYear)),
  $isoDayOfWeek: partOf("$isoDayOfWeek", (at) => at.weekday),
  $dateToParts: named(
    {
      name: "$dateToParts",
      required: ["date"],
      optional: ["timezone", "iso8601"],
      codes: { shape: 40524, unknown: 40520, missing: 40522 },
    },
    dateToParts,
  ),
  $dateFromParts: named(
    {
      name: "$dateFromParts",
      required: [],
      optional: [
        "year",
        "month",
        "day",
        "isoWeekYear",
        "isoWeek",
        "isoDayOfWeek",
        "hour",
        "minute",
        "second",
        "millisecond",
        "timezone",
      ],
      codes: CODES,
    },
    dateFromParts,
  ),
};

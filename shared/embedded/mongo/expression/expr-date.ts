import { DateTime, type Zone } from "luxon";
import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate } from "../bson/values.ts";
import { calendarOf, formatDate, timeZone, utc } from "./instant.ts";
import { isNullish, type Maybe, named, type OperatorTable } from "./operator.ts";
import { parseDate, parseDateByFormat } from "./parse-date.ts";

type Values = Readonly<Record<string, Maybe>>;

const UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"] as const;
type Unit = (typeof UNITS)[number];

function unitOf(name: string, value: Maybe): Unit {
  if (typeof value !== "string")
    throw new CommandFault(5439013, `${name} requires 'unit' to be a string, but got ${typeNameOf(value)}`);
  const unit = UNITS.find((known) => known === value);
  if (!unit) throw new CommandFault(9, `unknown time unit value: ${value}`);
  return unit;
}

/** Returns the zone of the `timezone` argument: UTC if omitted, undefined if null. */
const zoneOf = (values: Values): Zone | undefined => ("timezone" in values ? timeZone(values.timezone) : utc);

function dateToString(values: Values): Maybe {
  const { date, format, onNull } = values;
  if (isNullish(date)) return "onNull" in values ? onNull : null;
  const zone = zoneOf(values);
  if (zone === undefined || ("format" in values && isNullish(format))) return null;
  if (format !== undefined && typeof format !== "string")
    throw new CommandFault(
      18533,
      `$dateToString requires that 'format' be a string, found: ${typeNameOf(format)}`,
    );
  const fallback = zone === utc ? "%Y-%m-%dT%H:%M:%S.%LZ" : "%Y-%m-%dT%H:%M:%S.%L";
  return formatDate(calendarOf(date, zone), (format as string | undefined) ?? fallback);
}

function dateFromString(values: Values): Maybe {
  const { dateString, format, onNull, onError } = values;
  const zone = "timezone" in values ? timeZone(values.timezone) : undefined;
  if (isNullish(dateString)) return "onNull" in values ? onNull : null;
  if (("timezone" in values && zone === undefined) || ("format" in values && isNullish(format))) return null;
  try {
    if (typeof dateString !== "string")
      throw new CommandFault(
        241,
        `$dateFromString requires that 'dateString' be a string, found: ${typeNameOf(dateString)}`,
      );
    return typeof format === "string"
      ? parseDateByFormat(dateString, format, zone)
      : parseDate(dateString, zone);
  } catch (error) {
    if (error instanceof CommandFault && error.code === 241 && "onError" in values) return onError;
    throw error;
  }
}

function dateOperand(name: string, value: Maybe, zone: Zone): DateTime {
  if (value instanceof BsonDate || isNullish(value) === false) return calendarOf(value, zone);
  throw new CommandFault(5439012, `${name} requires a date`);
}

function shift(name: string, sign: 1 | -1) {
  return (values: Values): Maybe => {
    const { startDate, unit, amount } = values;
    const zone = zoneOf(values);
    if (isNullish(startDate) || isNullish(unit) || isNullish(amount) || zone === undefined) return null;
    const count = isNumber(amount) ? toDouble(amount) : Number.NaN;
    if (!Number.isInteger(count))
      throw new CommandFault(5166405, `${name} expects integer amount of time units`);
    const moved = dateOperand(name, startDate, zone).plus({ [`${unitOf(name, unit)}s`]: sign * count });
    if (!moved.isValid) throw new CommandFault(5166406, `${name} overflowed`);
    return new BsonDate(moved.toMillis());
  };
}

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** Days from Monday to the first day of a week; weeks begin on Sunday by default. */
function weekStart(value: Maybe): number {
  const name = value === undefined ? "sunday" : String(value).toLowerCase();
  const index = WEEKDAYS.findIndex((day) => day === name || day.slice(0, 3) === name);
  if (index < 0) throw new CommandFault(9, `unknown day of week value: ${name}`);
  return index;
}

const startOfWeek = (at: DateTime, first: number): DateTime =>
  at.startOf("day").minus({ days: (at.weekday - 1 - first + 7) % 7 });

/** Whole units between an anchor and an instant, counted by boundaries crossed. */
const monthsSince = (at: DateTime, anchor: DateTime): number =>
  (at.year - anchor.year) * 12 + at.month - anchor.month;

const localDays = (at: DateTime): number => Math.floor((at.toMillis() + at.offset * 60_000) / 86_400_000);

const FIXED_MS: Readonly<Partial<Record<Unit, number>>> = {
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

function truncate(values: Values): Maybe {
  const { date, unit, binSize = 1, startOfWeek: first } = values;
  const zone = zoneOf(values);
  if (isNullish(date) || isNullish(unit) || zone === undefined || isNullish(binSize)) return null;
  const size = isNumber(binSize) ? toDouble(binSize) : Number.NaN;
  if (!Number.isInteger(size) || size < 1)
    throw new CommandFault(5439018, "$dateTrunc requires 'binSize' to be greater than 0");
  const at = dateOperand("$dateTrunc", date, zone);
  return new BsonDate(bin(at, unitOf("$dateTrunc", unit), { size, first }).toMillis());
}

/** Bins are counted from 2000-01-01 in the zone. */
function bin(at: DateTime, unit: Unit, { size, first }: { size: number; first: Maybe }): DateTime {
  const anchor = DateTime.fromObject({ year: 2000 }, { zone: at.zone });
  const floor = (count: number): number => Math.floor(count / size) * size;
  const months = { year: 12, quarter: 3, month: 1 } as const;
  if (unit === "year" || unit === "quarter" || unit === "month") {
    const per = months[unit];
    return anchor.plus({ months: floor(Math.floor(monthsSince(at, anchor) / per)) * per });
  }
  if (unit === "week") {
    const base = startOfWeek(anchor.plus({ days: 6 }), weekStart(first));
    return base.plus({ weeks: floor(Math.floor((localDays(at) - localDays(base)) / 7)) });
  }
  if (unit === "day") return anchor.plus({ days: floor(localDays(at) - localDays(anchor)) });
  const width = FIXED_MS[unit]! * size;
  const since = at.toMillis() - anchor.toMillis();
  return anchor.plus({ milliseconds: Math.floor(since / width) * width });
}

function difference(values: Values): Maybe {
  const { startDate, endDate, unit, startOfWeek: first } = values;
  const zone = zoneOf(values);
  if (isNullish(startDate) || isNullish(endDate) || isNullish(unit) || zone === undefined) return null;
  const from = dateOperand("$dateDiff", startDate, zone);
  const to = dateOperand("$dateDiff", endDate, zone);
  return BigInt(unitsBetween(from, to, { unit: unitOf("$dateDiff", unit), first }));
}

function unitsBetween(from: DateTime, to: DateTime, { unit, first }: { unit: Unit; first: Maybe }): number {
  switch (unit) {
    case "year":
      return to.year - from.year;
    case "quarter":
      return (to.year - from.year) * 4 + to.quarter - from.quarter;
    case "month":
      return monthsSince(to, from);
    case "week": {
      const start = weekStart(first);
      return Math.round((localDays(startOfWeek(to, start)) - localDays(startOfWeek(from, start))) / 7);
    }
    case "day":
      return localDays(to) - localDays(from);
    default: {
      const width = FIXED_MS[unit]!;
      return (
        Math.floor((to.toMillis() + to.offset * 60_000) / width) -
        Math.floor((from.toMillis() + from.offset * 60_000) / width) -
        ((to.offset - from.offset) * 60_000) / width
      );
    }
  }
}

/** Printing, reading, shifting, truncating and subtracting dates. */
export const dateOperators: OperatorTable = {
  $dateToString: named(
    {
      name: "$dateToString",
      required: ["date"],
      optional: ["format", "timezone", "onNull"],
      codes: { shape: 18629, unknown: 18534, missing: 18628 },
    },
    dateToString,
  ),
  $dateFromString: named(
    {
      name: "$dateFromString",
      required: ["dateString"],
      optional: ["format", "timezone", "onNull", "onError"],
      codes: { shape: 40540, unknown: 40541, missing: 40542 },
    },
    dateFromString,
  ),
  $dateAdd: named(
    {
      name: "$dateAdd",
      required: ["startDate", "unit", "amount"],
      optional: ["timezone"],
      codes: { shape: 5166400, unknown: 5166401, missing: 5166402 },
    },
    shift("$dateAdd", 1),
  ),
  $dateSubtract: named(
    {
      name: "$dateSubtract",
      required: ["startDate", "unit", "amount"],
      optional: ["timezone"],
      codes: { shape: 5166400, unknown: 5166401, missing: 5166402 },
    },
    shift("$dateSubtract", -1),
  ),
  $dateTrunc: named(
    {
      name: "$dateTrunc",
      required: ["date", "unit"],
      optional: ["binSize", "timezone", "startOfWeek"],
      codes: { shape: 5439007, unknown: 5439008, missing: 5439009 },
    },
    truncate,
  ),
  $dateDiff: named(
    {
      name: "$dateDiff",
      required: ["startDate", "endDate", "unit"],
      optional: ["timezone", "startOfWeek"],
      codes: { shape: 5166301, unknown: 5166302, missing: 5166303 },
    },
    difference,
  ),
};

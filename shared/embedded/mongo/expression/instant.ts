import { DateTime, FixedOffsetZone, IANAZone, type Zone } from "luxon";
import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate, ObjectId, Timestamp } from "../bson/values.ts";
import { isNullish, type Maybe } from "./operator.ts";

const UTC = FixedOffsetZone.utcInstance;
const zones = new Map<string, Zone>();

function zoneOf(name: string): Zone {
  if (name === "UTC" || name === "GMT" || name === "Z") return UTC;
  const offset = /^([+-])(\d{2}):?(\d{2})?$/.exec(name);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    return FixedOffsetZone.instance(offset[1] === "-" ? -minutes : minutes);
  }
  const zone = IANAZone.create(name);
  if (!zone.isValid) throw new CommandFault(40485, `unrecognized time zone identifier: "${name}"`);
  return zone;
}

/** A time zone by its Olson name or UTC offset; undefined for null. */
export function timeZone(value: Maybe): Zone | undefined {
  if (isNullish(value)) return undefined;
  if (typeof value !== "string")
    throw new CommandFault(40517, `timezone must evaluate to a string, found ${typeNameOf(value)}`);
  let zone = zones.get(value);
  if (!zone) {
    zone = zoneOf(value);
    if (zones.size < 1_000) zones.set(value, zone);
  }
  return zone;
}

/** Returns the instant of a date, object id or timestamp, in milliseconds. */
export function millisOf(value: Maybe): number {
  if (value instanceof BsonDate) return Number(value.ms);
  if (value instanceof ObjectId) return Math.floor(value.high / 65536) * 1000;
  if (value instanceof Timestamp) return Number(value.value >> 32n) * 1000;
  throw new CommandFault(16006, `can't convert from BSON type ${typeNameOf(value)} to Date`);
}

/** Converts an instant to a zone, to read its calendar parts. */
export function calendarOf(value: Maybe, zone: Zone = UTC): DateTime {
  const instant = DateTime.fromMillis(millisOf(value), { zone });
  if (!instant.isValid)
    throw new CommandFault(2, "the date is outside of the range that calendar operators support");
  return instant;
}

export const utc: Zone = UTC;

/** ISO 8601 with milliseconds in UTC. */
export const printDate = (date: BsonDate): string =>
  calendarOf(date).toFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'");

const pad = (value: number, width: number): string => String(value).padStart(width, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FULL_MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const offsetText = (minutes: number): string =>
  `${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60), 2)}${pad(Math.abs(minutes) % 60, 2)}`;

/** Sunday-based week of the year, 0 before the first Sunday. */
export const weekOfYear = (at: DateTime): number => Math.floor((at.ordinal + 6 - (at.weekday % 7)) / 7);

const DIRECTIVES: Readonly<Record<string, (at: DateTime) => string>> = {
  d: (at) => pad(at.day, 2),
  G: (at) => pad(at.weekYear, 4),
  H: (at) => pad(at.hour, 2),
  j: (at) => pad(at.ordinal, 3),
  L: (at) => pad(at.millisecond, 3),
  m: (at) => pad(at.month, 2),
  M: (at) => pad(at.minute, 2),
  S: (at) => pad(at.second, 2),
  u: (at) => String(at.weekday),
  U: (at) => pad(weekOfYear(at), 2),
  V: (at) => pad(at.weekNumber, 2),
  w: (at) => String((at.weekday % 7) + 1),
  Y: (at) => pad(at.year, 4),
  z: (at) => offsetText(at.offset),
  Z: (at) => String(at.offset),
  b: (at) => MONTHS[at.month - 1]!,
  B: (at) => FULL_MONTHS[at.month - 1]!,
  "%": () => "%",
};

/** Prints a date by a `%Y-%m-%d`-style format. */
export function formatDate(at: DateTime, format: string): string {
  if (at.year < 0 || at.year > 9999)
    throw new CommandFault(18537, "$dateToString is only defined on year 0-9999");
  return format.replace(/%(.?)/gs, (_, letter: string) => {
    const directive = DIRECTIVES[letter];
    if (!directive) throw new CommandFault(18536, `Invalid format character '%${letter}' in format string`);
    return directive(at);
  });
}

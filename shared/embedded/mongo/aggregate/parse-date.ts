import { DateTime, type Zone } from "luxon";
import { CommandFault } from "../bson/fault.ts";
import { BsonDate } from "../bson/values.ts";
import { timeZone, utc } from "./instant.ts";

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?|[A-Za-z]+\/[A-Za-z_]+|UTC|GMT)?$/;

const failure = (text: string, why: string): CommandFault =>
  new CommandFault(241, `Error parsing date string '${text}'; ${why}`);

interface Fields {
  readonly year: number;
  readonly month?: number;
  readonly day?: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly second?: number;
  readonly millisecond?: number;
}

function build(text: string, fields: Fields, zone: Zone): BsonDate {
  const at = DateTime.fromObject({ ...fields }, { zone });
  if (!at.isValid) throw failure(text, at.invalidExplanation ?? "the date does not exist");
  return new BsonDate(at.toMillis());
}

/** Reads ISO 8601-like text; text without an offset is in `zone`. */
export function parseDate(text: string, zone?: Zone): BsonDate {
  const match = ISO.exec(text.trim());
  if (!match) throw failure(text, "expected a date such as 2024-05-31T12:00:00Z");
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = "", offset] = match;
  if (offset !== undefined && zone !== undefined)
    throw failure(
      text,
      "you cannot pass in a date/time string with time zone information together with a timezone argument",
    );
  const fields = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    millisecond: Number(fraction.slice(0, 3).padEnd(3, "0")),
  };
  return build(text, fields, (offset === undefined ? zone : timeZone(offset)) ?? utc);
}

const DIRECTIVES: Readonly<
  Record<string, readonly [string, keyof Fields | "zone" | "monthName" | "offsetMinutes"]>
> = {
  Y: ["(\\d{4})", "year"],
  m: ["(\\d{2})", "month"],
  d: ["(\\d{2})", "day"],
  H: ["(\\d{2})", "hour"],
  M: ["(\\d{2})", "minute"],
  S: ["(\\d{2})", "second"],
  L: ["(\\d{3})", "millisecond"],
  z: ["(Z|[+-]\\d{2}:?\\d{2})", "zone"],
  Z: ["([+-]\\d{1,4})", "offsetMinutes"],
  b: ["([A-Za-z]{3})", "monthName"],
  B: ["([A-Za-z]{3,9})", "monthName"],
};

const offsetName = (minutes: number): string => {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
};

const MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

/** Reads text by a `%Y-%m-%d`-style format. */
export function parseDateByFormat(text: string, format: string, zone?: Zone): BsonDate {
  const names: string[] = [];
  const pattern = format.replace(
    /%(.?)|[.*+?^${}()|[\]\\]/gs,
    (found: string, letter: string | undefined) => {
      if (letter === undefined) return `\\${found}`;
      if (letter === "%") return "%";
      const directive = DIRECTIVES[letter];
      if (!directive) throw new CommandFault(18536, `Invalid format character '%${letter}' in format string`);
      names.push(directive[1]);
      return directive[0];
    },
  );
  const match = new RegExp(`^${pattern}$`).exec(text);
  if (!match) throw failure(text, `it does not have the format ${format}`);
  const fields: Record<string, number> = {};
  let found = zone;
  names.forEach((name, index) => {
    const part = match[index + 1]!;
    if (name === "zone") found = timeZone(part === "Z" ? "UTC" : part);
    else if (name === "offsetMinutes") found = timeZone(offsetName(Number(part)));
    else if (name === "monthName") fields.month = MONTH_NAMES.indexOf(part.slice(0, 3).toLowerCase()) + 1;
    else fields[name] = Number(part);
  });
  if (fields.year === undefined) throw failure(text, "the format has no year");
  return build(text, fields as unknown as Fields, found ?? utc);
}

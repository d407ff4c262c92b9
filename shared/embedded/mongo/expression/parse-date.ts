import { DateTime, type Zone } from "luxon";
import { CommandFault } from "../bson/fault.ts";
import { BsonDate } from "../bson/values.ts";
import { timeZone, utc } from "./instant.ts";

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

const MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const MONTH =
  "(?<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
const DAY = "(?<day>\\d{1,2})(?:st|nd|rd|th)?";

/** Accepted formats of a day. */
const DATES = [
  "(?<year>\\d{4})-(?<month>\\d{1,2})-(?<day>\\d{1,2})",
  "(?<year>\\d{4})/(?<month>\\d{1,2})/(?<day>\\d{1,2})",
  "(?<year>\\d{4})(?<month>\\d{2})(?<day>\\d{2})",
  "(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{4})",
  `${MONTH}\\s*${DAY}\\s*,?\\s*(?<year>\\d{4})`,
  `${DAY}[\\s-]*${MONTH}[\\s,-]*(?<year>\\d{4})`,
  `(?<year>\\d{4})[\\s-]*${MONTH}[\\s-]*${DAY}`,
];
const TIMES = [
  "(?<hour>\\d{1,2}):(?<minute>\\d{2})(?::(?<second>\\d{2})(?:[.,](?<fraction>\\d{1,9}))?)?\\s*(?<half>[ap]\\.?m\\.?)?",
  "(?<hour>\\d{2})(?<minute>\\d{2})(?<second>\\d{2})(?:[.,](?<fraction>\\d{1,9}))?",
  "(?<hour>\\d{1,2})\\s*(?<half>[ap]\\.?m\\.?)",
  "(?<word>noon|midnight)",
];
const ZONE = "(?<zone>z|[+-]\\d{2}(?::?\\d{2})?|[a-z]+/[a-z_/]+|[a-z]{3,4})";

/** Abbreviations of time zones with one offset. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  z: "UTC",
  utc: "UTC",
  gmt: "UTC",
  bst: "+01:00",
  cet: "+01:00",
  cest: "+02:00",
  est: "-05:00",
  edt: "-04:00",
  cst: "-06:00",
  cdt: "-05:00",
  mst: "-07:00",
  mdt: "-06:00",
  pst: "-08:00",
  pdt: "-07:00",
};

const SHAPES = DATES.flatMap((date) => [
  new RegExp(`^${date}\\s*${ZONE}?$`, "i"),
  ...TIMES.map((time) => new RegExp(`^${date}(?:t|,?\\s+)${time}\\s*${ZONE}?$`, "i")),
]);

/** Parses a date with or without a time; text without an offset is in `zone`. */
export function parseDate(text: string, zone?: Zone): BsonDate {
  const trimmed = text.trim();
  for (const shape of SHAPES) {
    const found = shape.exec(trimmed)?.groups;
    if (found === undefined) continue;
    if (found.zone !== undefined && zone !== undefined)
      throw failure(
        text,
        "you cannot pass in a date/time string with time zone information together with a timezone argument",
      );
    const offset = found.zone === undefined ? zone : zoneNamed(text, found.zone);
    return build(text, fieldsOf(found), offset ?? utc);
  }
  throw failure(text, "expected a date such as 2024-05-31T12:00:00Z");
}

function zoneNamed(text: string, name: string): Zone | undefined {
  const known = ABBREVIATIONS[name.toLowerCase()];
  if (known === undefined && /^[a-z]+$/i.test(name))
    throw failure(text, `the time zone ${name} is not known`);
  return timeZone(known ?? name);
}

function fieldsOf(found: Readonly<Record<string, string | undefined>>): Fields {
  const { year, month, day, name, hour, minute, second, fraction = "", half, word } = found;
  const hours = word === "noon" ? 12 : Number(hour ?? 0);
  return {
    year: Number(year),
    month: name === undefined ? Number(month) : MONTH_NAMES.indexOf(name.slice(0, 3).toLowerCase()) + 1,
    day: Number(day),
    hour: half === undefined ? hours : (hours % 12) + (half.toLowerCase().startsWith("p") ? 12 : 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    millisecond: Number(fraction.slice(0, 3).padEnd(3, "0")),
  };
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
  L: ["(\\d{1,3})", "millisecond"],
  z: ["(Z|[+-]\\d{2}:?\\d{2})", "zone"],
  Z: ["([+-]\\d{1,4})", "offsetMinutes"],
  b: ["([A-Za-z]{3})", "monthName"],
  B: ["([A-Za-z]{3,9})", "monthName"],
};

const offsetName = (minutes: number): string => {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
};

/** Parses text by a `%Y-%m-%d`-style format. */
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
    // Digits of a fraction: ".5" is half a second.
    else fields[name] = Number(name === "millisecond" ? part.padEnd(3, "0") : part);
  });
  if (fields.year === undefined) throw failure(text, "the format has no year");
  return build(text, fields as unknown as Fields, found ?? utc);
}

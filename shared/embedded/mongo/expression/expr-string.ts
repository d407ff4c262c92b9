import { compareBytes } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate, BsonSymbol, Code } from "../bson/values.ts";
import { printDate } from "./instant.ts";
import {
  binary,
  isNullish,
  type Maybe,
  named,
  type Operator,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";
import { printNumber } from "./print-number.ts";

/**
 * Converts a value to a string for operators that accept other types too; a missing value is the empty string.
 */
function coerced(value: Maybe, name: string): string {
  if (isNullish(value)) return "";
  if (typeof value === "string") return value;
  if (value instanceof BsonSymbol) return value.value;
  if (value instanceof Code) return value.code;
  if (isNumber(value)) return printNumber(value);
  if (value instanceof BsonDate) return printDate(value);
  throw new CommandFault(16007, `can't convert from BSON type ${typeNameOf(value)} to String in ${name}`);
}

function text(value: Maybe, name: string, code: number): string {
  if (typeof value === "string") return value;
  throw new CommandFault(code, `${name} requires a string argument, found: ${typeNameOf(value)}`);
}

function concat(values: Maybe[]): Maybe {
  let result = "";
  for (const value of values) {
    if (isNullish(value)) return null;
    if (typeof value !== "string")
      throw new CommandFault(16702, `$concat only supports strings, not ${typeNameOf(value)}`);
    result += value;
  }
  return result;
}

const asciiLower = (value: string): string => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const asciiUpper = (value: string): string => value.replace(/[a-z]/g, (letter) => letter.toUpperCase());

function position(value: Maybe, name: string): number {
  if (isNumber(value)) return Math.trunc(toDouble(value));
  throw new CommandFault(
    name === "$substrCP" ? 34450 : 16034,
    `${name}: starting index must be a numeric type (is BSON type ${typeNameOf(value)})`,
  );
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

function substringOfBytes(name: string): Operator {
  return variadic(
    name,
    ([value, from, count]) => {
      const bytes = Buffer.from(coerced(value, name), "utf8");
      const start = position(from, name);
      const length = position(count, name);
      if (start < 0)
        throw new CommandFault(50752, `${name}: starting index must be non-negative (got: ${start})`);
      if (start >= bytes.length) return "";
      const end = length < 0 ? bytes.length : Math.min(bytes.length, start + length);
      if (isContinuation(bytes[start]))
        throw new CommandFault(28656, `${name}: Invalid range, starting index is a UTF-8 continuation byte.`);
      if (isContinuation(bytes[end]))
        throw new CommandFault(
          28657,
          `${name}: Invalid range, ending index is in the middle of a UTF-8 character.`,
        );
      return bytes.toString("utf8", start, end);
    },
    { least: 3, most: 3 },
  );
}

const substringOfPoints = variadic(
  "$substrCP",
  ([value, from, count]) => {
    const points = Array.from(coerced(value, "$substrCP"));
    const start = position(from, "$substrCP");
    const length = position(count, "$substrCP");
    if (start < 0)
      throw new CommandFault(34455, `$substrCP: the starting index must be nonnegative integer.`);
    if (length < 0) throw new CommandFault(34454, `$substrCP: length must be a nonnegative integer.`);
    return points.slice(start, start + length).join("");
  },
  { least: 3, most: 3 },
);

interface Range {
  readonly from: number;
  readonly to: number;
}

function searchRange(name: string, [from, to]: Maybe[], length: number): Range {
  const read = (value: Maybe, fallback: number): number => {
    if (value === undefined) return fallback;
    const index = isNumber(value) ? toDouble(value) : Number.NaN;
    if (!Number.isInteger(index))
      throw new CommandFault(
        40096,
        `${name} requires an integral index, found a value of type: ${typeNameOf(value)}`,
      );
    if (index < 0) throw new CommandFault(40097, `${name} requires a nonnegative index, found: ${index}`);
    return index;
  };
  return { from: read(from, 0), to: Math.min(read(to, length), length) };
}

function indexOf(name: string, split: (value: string) => readonly (string | number)[]): Operator {
  return variadic(
    name,
    ([value, wanted, ...bounds]) => {
      if (isNullish(value)) return null;
      const units = split(text(value, name, 40091));
      const needle = split(text(wanted, name, 40092));
      const { from, to } = searchRange(name, bounds, units.length);
      for (let at = from; at + needle.length <= to; at++) {
        if (needle.every((unit, offset) => units[at + offset] === unit)) return at;
      }
      return -1;
    },
    { least: 2, most: 4 },
  );
}

const WHITESPACE = /[\0\s]/u;

function trimmer(name: string, { left, right }: { left: boolean; right: boolean }): Operator {
  return named(
    {
      name,
      required: ["input"],
      optional: ["chars"],
      codes: { shape: 50696, unknown: 50694, missing: 50695 },
    },
    (values) => {
      const { input, chars } = values;
      if (isNullish(input) || ("chars" in values && isNullish(chars))) return null;
      const points = Array.from(text(input, name, 50699));
      const set = chars === undefined ? undefined : new Set(text(chars, name, 50700));
      const drops = (point: string): boolean => (set ? set.has(point) : WHITESPACE.test(point));
      let start = 0;
      let end = points.length;
      if (left) while (start < end && drops(points[start]!)) start++;
      if (right) while (end > start && drops(points[end - 1]!)) end--;
      return points.slice(start, end).join("");
    },
  );
}

function split(value: Maybe, separator: Maybe): Maybe {
  if (isNullish(value) || isNullish(separator)) return null;
  const by = text(separator, "$split", 40086);
  if (by === "") throw new CommandFault(40087, "$split requires a non-empty separator");
  return text(value, "$split", 40085).split(by);
}

const REPLACE_CODES = { shape: 51751, unknown: 51750, missing: 51749 };

function replacer(
  name: string,
  apply: (input: string, find: string, replacement: string) => string,
): Operator {
  return named(
    { name, required: ["input", "find", "replacement"], codes: REPLACE_CODES },
    ({ input, find, replacement }) => {
      for (const [value, code] of [
        [input, 51746],
        [find, 51745],
        [replacement, 51744],
      ] as const) {
        if (!isNullish(value)) text(value, name, code);
      }
      if (isNullish(input) || isNullish(find) || isNullish(replacement)) return null;
      return apply(input as string, find as string, replacement as string);
    },
  );
}

/** String operators. Case conversion affects ASCII letters only, as on a real server. */
export const stringOperators: OperatorTable = {
  $concat: variadic("$concat", concat),
  $toLower: unary("$toLower", (value) => asciiLower(coerced(value, "$toLower"))),
  $toUpper: unary("$toUpper", (value) => asciiUpper(coerced(value, "$toUpper"))),
  $substr: substringOfBytes("$substr"),
  $substrBytes: substringOfBytes("$substrBytes"),
  $substrCP: substringOfPoints,
  $strLenBytes: unary("$strLenBytes", (value) => Buffer.byteLength(text(value, "$strLenBytes", 34473))),
  $strLenCP: unary("$strLenCP", (value) => Array.from(text(value, "$strLenCP", 34471)).length),
  $indexOfBytes: indexOf("$indexOfBytes", (value) => Array.from(Buffer.from(value, "utf8"))),
  $indexOfCP: indexOf("$indexOfCP", (value) => Array.from(value)),
  $trim: trimmer("$trim", { left: true, right: true }),
  $ltrim: trimmer("$ltrim", { left: true, right: false }),
  $rtrim: trimmer("$rtrim", { left: false, right: true }),
  $split: binary("$split", split),
  $strcasecmp: binary("$strcasecmp", (a, b) =>
    compareBytes(
      Buffer.from(asciiUpper(coerced(a, "$strcasecmp"))),
      Buffer.from(asciiUpper(coerced(b, "$strcasecmp"))),
    ),
  ),
  $replaceOne: replacer("$replaceOne", (input, find, replacement) => input.replace(find, () => replacement)),
  $replaceAll: replacer("$replaceAll", (input, find, replacement) => input.split(find).join(replacement)),
};

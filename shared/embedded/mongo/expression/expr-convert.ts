import { decimalOperand, fitsInt64 } from "../bson/arithmetic.ts";
import { Decimal128, decimalOf, parseDecimal, partsOf } from "../bson/decimal.ts";
import { roundParts } from "../bson/decimal-arithmetic.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonNumber, isNumber, toDouble } from "../bson/number.ts";
import { TYPE_ALIASES, typeNameOf } from "../bson/type-names.ts";
import { BsonDate, type BsonValue, doubleOf, ObjectId, Timestamp, typeOf } from "../bson/values.ts";
import { millisOf, printDate } from "./instant.ts";
import {
  isNullish,
  type Maybe,
  namedArguments,
  type Operator,
  type OperatorTable,
  unary,
} from "./operator.ts";
import { parseDate } from "./parse-date.ts";
import { printNumber } from "./print-number.ts";

const failure = (why: string): CommandFault =>
  new CommandFault(241, `${why} in $convert with no onError value`);
const unconvertible = (value: BsonValue, target: string): CommandFault =>
  failure(`Unsupported conversion from ${typeNameOf(value)} to ${target}`);
const parseFailure = (text: string, why: string): CommandFault =>
  failure(`Failed to parse number '${text}': ${why}`);

/** A number without its fraction, as an exact integer. */
function truncated(value: BsonNumber): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Decimal128) {
    const parts = partsOf(value);
    if (parts.kind !== "finite")
      throw failure("Attempt to convert an infinite or NaN value to an integer type");
    const whole = roundParts(parts, 0, "truncate");
    if (whole.exponent > 40) throw failure("Conversion would overflow target type");
    const size = whole.coefficient * 10n ** BigInt(whole.exponent);
    return whole.negative ? -size : size;
  }
  const double = toDouble(value);
  if (!Number.isFinite(double))
    throw failure("Attempt to convert an infinite or NaN value to an integer type");
  return BigInt(Math.trunc(double));
}

function integer(value: BsonValue, target: "int" | "long"): bigint {
  if (isNumber(value)) return truncated(value);
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "string") {
    if (!/^[+-]?\d+$/.test(value)) throw parseFailure(value, "Did not consume whole string.");
    return BigInt(value.replace(/^\+/, ""));
  }
  if (target === "long" && value instanceof BsonDate) return BigInt(value.ms);
  throw unconvertible(value, target);
}

function toInt(value: BsonValue): BsonValue {
  const whole = integer(value, "int");
  if (whole > 2147483647n || whole < -2147483648n)
    throw failure(`Conversion would overflow target type: ${whole}`);
  return Number(whole);
}

function toLong(value: BsonValue): BsonValue {
  const whole = integer(value, "long");
  if (!fitsInt64(whole)) throw failure(`Conversion would overflow target type: ${whole}`);
  return whole;
}

function toDoubleValue(value: BsonValue): BsonValue {
  if (isNumber(value)) {
    const double = toDouble(value);
    if (value instanceof Decimal128 && !Number.isFinite(double) && partsOf(value).kind === "finite")
      throw failure("Conversion would overflow target type");
    return doubleOf(double);
  }
  if (typeof value === "boolean") return doubleOf(value ? 1 : 0);
  if (value instanceof BsonDate) return doubleOf(Number(value.ms));
  if (typeof value !== "string") throw unconvertible(value, "double");
  if (!parseDecimal(value)) throw parseFailure(value, "Did not consume whole string.");
  return doubleOf(
    /^[+-]?inf(inity)?$/i.test(value) ? (value.startsWith("-") ? -Infinity : Infinity) : Number(value),
  );
}

function toDecimal(value: BsonValue): BsonValue {
  if (isNumber(value)) return decimalOf(decimalOperand(value));
  if (typeof value === "boolean") return decimalOf(parseDecimal(value ? "1" : "0")!);
  if (value instanceof BsonDate) return decimalOf(parseDecimal(String(value.ms))!);
  if (typeof value !== "string") throw unconvertible(value, "decimal");
  const parts = parseDecimal(value);
  if (!parts) throw parseFailure(value, "Failed to parse string to decimal");
  return decimalOf(parts);
}

function toText(value: BsonValue): BsonValue {
  if (typeof value === "string") return value;
  if (isNumber(value)) return printNumber(value);
  if (typeof value === "boolean") return String(value);
  if (value instanceof ObjectId) return value.toHex();
  if (value instanceof BsonDate) return printDate(value);
  throw unconvertible(value, "string");
}

function toObjectId(value: BsonValue): BsonValue {
  if (value instanceof ObjectId) return value;
  if (typeof value !== "string") throw unconvertible(value, "objectId");
  if (!/^[0-9a-fA-F]{24}$/.test(value)) {
    throw failure(
      `Failed to parse objectId '${value}': Invalid string length for parsing to OID, expected 24 but found ${value.length}`,
    );
  }
  return ObjectId.fromHex(value);
}

function toDate(value: BsonValue): BsonValue {
  if (value instanceof BsonDate) return value;
  if (value instanceof ObjectId || value instanceof Timestamp) return new BsonDate(millisOf(value));
  if (typeof value === "string") return parseDate(value);
  if (!isNumber(value) || typeOf(value) === 16) throw unconvertible(value, "date");
  const ms = truncated(value);
  if (!fitsInt64(ms)) throw failure("Conversion would overflow target type");
  return new BsonDate(ms);
}

const toBool = (value: BsonValue): BsonValue => {
  if (typeof value === "boolean") return value;
  return !(isNumber(value) && toDouble(value) === 0);
};

type Conversion = (value: BsonValue) => BsonValue;
const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map([
  ["int", toInt],
  ["long", toLong],
  ["double", toDoubleValue],
  ["decimal", toDecimal],
  ["string", toText],
  ["objectId", toObjectId],
  ["date", toDate],
  ["bool", toBool],
]);
const NAMES = new Map([...TYPE_ALIASES].map(([name, code]) => [code, name]));

function conversionTo(target: BsonValue): Conversion {
  const name = isNumber(target) ? NAMES.get(toDouble(target)) : target;
  const conversion = typeof name === "string" ? CONVERSIONS.get(name) : undefined;
  if (conversion) return conversion;
  throw new CommandFault(
    2,
    typeof name === "string"
      ? `Unknown type name: ${name}`
      : "$convert's 'to' argument must be a type name or number",
  );
}

const convert: Operator = (operand, context) => {
  const spec = namedArguments(operand, {
    name: "$convert",
    required: ["input", "to"],
    optional: ["onError", "onNull"],
  });
  const part = (name: string) =>
    spec.has(name) ? context.compile(spec.get(name)!, context.scope) : undefined;
  const [input, to, onError, onNull] = ["input", "to", "onError", "onNull"].map(part);
  return (root) => {
    const value = input!(root);
    const target = to!(root);
    if (isNullish(value)) return onNull ? onNull(root) : null;
    if (isNullish(target)) return null;
    const conversion = conversionTo(target);
    try {
      return conversion(value);
    } catch (error) {
      if (onError && error instanceof CommandFault && error.code === 241) return onError(root);
      throw error;
    }
  };
};

const shorthand = (name: string, conversion: Conversion): Operator =>
  unary(name, (value: Maybe) => (isNullish(value) ? null : conversion(value)));

/** Conversions between types; what cannot be converted is CommandFault 241 (ConversionFailure). */
export const conversionOperators: OperatorTable = {
  $convert: convert,
  $toInt: shorthand("$toInt", toInt),
  $toLong: shorthand("$toLong", toLong),
  $toDouble: shorthand("$toDouble", toDoubleValue),
  $toDecimal: shorthand("$toDecimal", toDecimal),
  $toString: shorthand("$toString", toText),
  $toObjectId: shorthand("$toObjectId", toObjectId),
  $toDate: shorthand("$toDate", toDate),
  $toBool: shorthand("$toBool", toBool),
  $tsSecond: unary("$tsSecond", (value) => {
    if (isNullish(value)) return null;
    if (value instanceof Timestamp) return value.value >> 32n;
    throw new CommandFault(5687301, `$tsSecond requires a timestamp argument, found: ${typeNameOf(value)}`);
  }),
  $tsIncrement: unary("$tsIncrement", (value) => {
    if (isNullish(value)) return null;
    if (value instanceof Timestamp) return value.value & 0xffffffffn;
    throw new CommandFault(
      5687302,
      `$tsIncrement requires a timestamp argument, found: ${typeNameOf(value)}`,
    );
  }),
};

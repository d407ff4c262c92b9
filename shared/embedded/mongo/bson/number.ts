import {
  DECIMAL_NAN,
  Decimal128,
  type DecimalParts,
  decimalInfinity,
  parseDecimal,
  partsOf,
} from "./decimal.ts";
import { BsonDouble, type BsonValue, isInt32 } from "./values.ts";

/** Any of the four numeric types; they compare by value. */
export type BsonNumber = number | bigint | BsonDouble | Decimal128;

export const isNumber = (value: BsonValue | undefined): value is BsonNumber =>
  typeof value === "number" ||
  typeof value === "bigint" ||
  value instanceof BsonDouble ||
  value instanceof Decimal128;

/** Rank in arithmetic: the result has the wider type of its operands. */
export const numericRank = (value: BsonNumber): 0 | 1 | 2 | 3 => {
  if (typeof value === "number") return isInt32(value) ? 0 : 2;
  if (typeof value === "bigint") return 1;
  return value instanceof BsonDouble ? 2 : 3;
};

/** The nearest double. */
export function toDouble(value: BsonNumber): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof BsonDouble) return value.value;
  return Number(value.toString());
}

/** The exact decimal of an int32, int64 or decimal; for a double, the shortest text that parses to the same value. */
export function toDecimalParts(value: BsonNumber): DecimalParts {
  if (value instanceof Decimal128) return partsOf(value);
  if (typeof value === "bigint") {
    return { kind: "finite", negative: value < 0n, coefficient: value < 0n ? -value : value, exponent: 0 };
  }
  const double = toDouble(value);
  if (Number.isNaN(double)) return DECIMAL_NAN;
  if (!Number.isFinite(double)) return decimalInfinity(double < 0);
  return parseDecimal(Object.is(double, -0) ? "-0" : String(double))!;
}

/** The exact value of a finite double as parts: every double is a finite decimal. */
export function exactParts(double: number): DecimalParts {
  const negative = double < 0;
  let mantissa = Math.abs(double);
  let power = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    power++;
  }
  // m / 2^p = m · 5^p / 10^p
  return { kind: "finite", negative, coefficient: BigInt(mantissa) * 5n ** BigInt(power), exponent: -power };
}

const order = <T extends number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

function compareMagnitude(a: DecimalParts, b: DecimalParts): number {
  if (a.coefficient === 0n || b.coefficient === 0n)
    return order(a.coefficient === 0n ? 0 : 1, b.coefficient === 0n ? 0 : 1);
  const digitsA = a.coefficient.toString().length + a.exponent;
  const digitsB = b.coefficient.toString().length + b.exponent;
  if (digitsA !== digitsB) return order(digitsA, digitsB);
  const shift = a.exponent - b.exponent;
  if (shift >= 0) return order(a.coefficient * 10n ** BigInt(shift), b.coefficient);
  return order(a.coefficient, b.coefficient * 10n ** BigInt(-shift));
}

/** Exact order of finite decimals; both zeros are equal. */
export function compareParts(a: DecimalParts, b: DecimalParts): number {
  const negativeA = a.negative && a.coefficient !== 0n;
  const negativeB = b.negative && b.coefficient !== 0n;
  if (negativeA !== negativeB) return negativeA ? -1 : 1;
  return negativeA ? compareMagnitude(b, a) : compareMagnitude(a, b);
}

/** Parts for an exact comparison, or the double itself when it is infinite or not a number. */
function exactOrSpecial(value: BsonNumber): DecimalParts | number {
  if (value instanceof Decimal128) {
    const parts = partsOf(value);
    if (parts.kind === "finite") return parts;
    return parts.kind === "nan" ? Number.NaN : parts.negative ? -Infinity : Infinity;
  }
  if (typeof value === "bigint") return toDecimalParts(value);
  const double = toDouble(value);
  return Number.isFinite(double) ? exactParts(double) : double;
}

const compareDoubles = (a: number, b: number): number => {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return order(Number.isNaN(a) ? 0 : 1, Number.isNaN(b) ? 0 : 1);
};

/**
 * Orders numbers of any types by their exact values; NaN is below everything and equal to itself, -0 equals 0.
 */
export function compareNumbers(a: BsonNumber, b: BsonNumber): number {
  if (a instanceof Decimal128 || b instanceof Decimal128) {
    const exactA = exactOrSpecial(a);
    const exactB = exactOrSpecial(b);
    if (typeof exactA !== "number" && typeof exactB !== "number") return compareParts(exactA, exactB);
    return compareDoubles(typeof exactA === "number" ? exactA : 0, typeof exactB === "number" ? exactB : 0);
  }
  if (typeof a === "bigint" || typeof b === "bigint") {
    const left = typeof a === "bigint" ? a : toDouble(a);
    const right = typeof b === "bigint" ? b : toDouble(b);
    if (left < right) return -1;
    if (left > right) return 1;
    if (Number.isNaN(left)) return -1;
    return Number.isNaN(right) ? 1 : 0;
  }
  return compareDoubles(toDouble(a), toDouble(b));
}

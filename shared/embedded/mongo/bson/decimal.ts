import { BsonType } from "./bson-type.ts";

const SIGN = 1n << 63n;
const EXPONENT_BIAS = 6176;
const MAX_EXPONENT = 6111;
const MAX_DIGITS = 34;
const COEFFICIENT_LIMIT = 10n ** 34n;
const MASK_64 = (1n << 64n) - 1n;

/** A decimal in parts: value = (negative ? -1 : 1) · coefficient · 10^exponent. */
export interface DecimalParts {
  readonly kind: "finite" | "infinity" | "nan";
  readonly negative: boolean;
  readonly coefficient: bigint;
  readonly exponent: number;
}

const special = (kind: "infinity" | "nan", negative = false): DecimalParts => ({
  kind,
  negative,
  coefficient: 0n,
  exponent: 0,
});
export const DECIMAL_NAN: DecimalParts = special("nan");
export const decimalInfinity = (negative: boolean): DecimalParts => special("infinity", negative);

/** IEEE 754 decimal128 in its binary-integer encoding, as BSON stores it: two unsigned 64-bit halves. */
export class Decimal128 {
  readonly high: bigint;
  readonly low: bigint;
  constructor(high: bigint, low: bigint) {
    this.high = high;
    this.low = low;
  }
  get bsonType(): number {
    return BsonType.decimal;
  }
  toString(): string {
    return printDecimal(partsOf(this));
  }
}

export function partsOf(value: Decimal128): DecimalParts {
  const negative = (value.high & SIGN) !== 0n;
  const combination = Number((value.high >> 58n) & 0x1fn);
  if (combination === 0x1f) return special("nan");
  if (combination === 0x1e) return special("infinity", negative);
  if (combination >> 3 === 3) {
    // The long form of the coefficient exceeds 34 digits: by IEEE 754 such a value reads as zero.
    return {
      kind: "finite",
      negative,
      coefficient: 0n,
      exponent: Number((value.high >> 47n) & 0x3fffn) - EXPONENT_BIAS,
    };
  }
  const exponent = Number((value.high >> 49n) & 0x3fffn) - EXPONENT_BIAS;
  const coefficient = ((value.high & ((1n << 49n) - 1n)) << 64n) | value.low;
  return {
    kind: "finite",
    negative,
    coefficient: coefficient < COEFFICIENT_LIMIT ? coefficient : 0n,
    exponent,
  };
}

/** Drops digits beyond the 34 that fit, rounding half to even. */
function roundToPrecision(coefficient: bigint, exponent: number): [bigint, number] {
  const excess = coefficient.toString().length - MAX_DIGITS;
  const drop = Math.max(excess, -EXPONENT_BIAS - exponent);
  if (drop <= 0) return [coefficient, exponent];
  const unit = 10n ** BigInt(drop);
  const rest = coefficient % unit;
  let quotient = coefficient / unit;
  if (rest * 2n > unit || (rest * 2n === unit && quotient % 2n === 1n)) quotient += 1n;
  return quotient === COEFFICIENT_LIMIT ? [quotient / 10n, exponent + drop + 1] : [quotient, exponent + drop];
}

/** Encodes parts, rounded to 34 digits; a value beyond the range becomes an infinity. */
export function decimalOf(parts: DecimalParts): Decimal128 {
  const sign = parts.negative ? SIGN : 0n;
  if (parts.kind === "nan") return new Decimal128(0x7cn << 56n, 0n);
  if (parts.kind === "infinity") return new Decimal128(sign | (0x78n << 56n), 0n);
  let [coefficient, exponent] = roundToPrecision(parts.coefficient, parts.exponent);
  while (exponent > MAX_EXPONENT && coefficient !== 0n && coefficient * 10n < COEFFICIENT_LIMIT) {
    coefficient *= 10n;
    exponent -= 1;
  }
  if (exponent > MAX_EXPONENT) {
    if (coefficient !== 0n) return new Decimal128(sign | (0x78n << 56n), 0n);
    exponent = MAX_EXPONENT;
  }
  const high = sign | (BigInt(exponent + EXPONENT_BIAS) << 49n) | (coefficient >> 64n);
  return new Decimal128(high, coefficient & MASK_64);
}

const NUMERAL = /^([+-])?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

/** Reads a numeral (`-1.50E+3`, `Infinity`, `NaN`); null if the text is not a numeral. */
export function parseDecimal(text: string): DecimalParts | null {
  const word = /^([+-])?(inf(?:inity)?|nan)$/i.exec(text);
  if (word) return word[2]!.toLowerCase() === "nan" ? DECIMAL_NAN : decimalInfinity(word[1] === "-");
  const match = NUMERAL.exec(text);
  if (!match) return null;
  const fraction = match[3] ?? match[4] ?? "";
  const coefficient = BigInt((match[2] ?? "") + fraction);
  const power = Number(match[5] ?? 0) - fraction.length;
  const exponent = coefficient === 0n ? Math.max(-EXPONENT_BIAS, Math.min(MAX_EXPONENT, power)) : power;
  // Beyond this every value is zero or infinite; the clamp keeps bigint powers small.
  const clamped = Math.max(-20_000, Math.min(20_000, exponent));
  return { kind: "finite", negative: match[1] === "-", coefficient, exponent: clamped };
}

/** The canonical text of a decimal: plain notation near the point, scientific elsewhere. */
function printDecimal(parts: DecimalParts): string {
  if (parts.kind === "nan") return "NaN";
  const sign = parts.negative ? "-" : "";
  if (parts.kind === "infinity") return `${sign}Infinity`;
  const digits = parts.coefficient.toString();
  const adjusted = parts.exponent + digits.length - 1;
  if (parts.exponent > 0 || adjusted < -6) {
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${sign}${mantissa}E${adjusted >= 0 ? "+" : ""}${adjusted}`;
  }
  if (parts.exponent === 0) return sign + digits;
  const padded = digits.padStart(1 - parts.exponent, "0");
  const point = padded.length + parts.exponent;
  return `${sign}${padded.slice(0, point)}.${padded.slice(point)}`;
}

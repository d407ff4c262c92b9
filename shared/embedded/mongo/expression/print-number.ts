import { Decimal128 } from "../bson/decimal.ts";
import { type BsonNumber, toDouble } from "../bson/number.ts";
import { isInt32 } from "../bson/values.ts";

/** A number as text, as `$toString` and `$concat`'s relatives print it. */
export function printNumber(value: BsonNumber): string {
  if (typeof value === "bigint" || value instanceof Decimal128) return value.toString();
  if (typeof value === "number" && isInt32(value)) return String(value);
  return printDouble(toDouble(value));
}

const DIGITS = 6;

/** As MongoDB 7.0 prints doubles, by C's `%g`: six significant digits, and an exponent beyond them. */
function printDouble(value: number): string {
  if (Object.is(value, -0)) return "-0";
  if (!Number.isFinite(value)) return String(value);
  const [mantissa, exponent] = value.toExponential(DIGITS - 1).split("e") as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < DIGITS) return withoutZeros(value.toFixed(DIGITS - 1 - power));
  const sign = power < 0 ? "-" : "+";
  return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

const withoutZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

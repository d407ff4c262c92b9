import { Decimal128 } from "../bson/decimal.ts";
import { type BsonNumber, toDouble } from "../bson/number.ts";

/** A number as text, as `$toString` and `$concat`'s relatives print it. */
export function printNumber(value: BsonNumber): string {
  if (typeof value === "bigint" || value instanceof Decimal128) return value.toString();
  const double = toDouble(value);
  return Object.is(double, -0) ? "-0" : String(double);
}

import { Decimal128, type DecimalParts, decimalOf, parseDecimal } from "./decimal.ts";
import { addParts, divideParts, multiplyParts, negateParts, remainderParts } from "./decimal-arithmetic.ts";
import { type BsonNumber, numericRank, toDecimalParts, toDouble } from "./number.ts";
import { doubleOf, isInt32 } from "./values.ts";

const MIN_INT64 = -(1n << 63n);
const MAX_INT64 = (1n << 63n) - 1n;
export const fitsInt64 = (value: bigint): boolean => value >= MIN_INT64 && value <= MAX_INT64;

/** An int32 result, widened to int64 where it does not fit. */
const fromInt = (value: number): BsonNumber => (isInt32(value) ? value : BigInt(value));

/** An int64 result, widened to a double where it does not fit. */
const fromLong = (value: bigint): BsonNumber => (fitsInt64(value) ? value : doubleOf(Number(value)));

const toBigInt = (value: BsonNumber): bigint => (typeof value === "bigint" ? value : BigInt(toDouble(value)));

/** Converts a number to decimal for arithmetic with a decimal: a double keeps 15 significant digits. */
export function decimalOperand(value: BsonNumber): DecimalParts {
  if (numericRank(value) !== 2) return toDecimalParts(value);
  const double = toDouble(value);
  return Number.isFinite(double) ? parseDecimal(double.toPrecision(15))! : toDecimalParts(value);
}

type Combine<T> = (a: T, b: T) => T;
interface Operation {
  readonly int: (a: number, b: number) => BsonNumber;
  readonly long: Combine<bigint>;
  readonly double: Combine<number>;
  readonly decimal: Combine<DecimalParts>;
}

/** Applies an operation in the wider of the operands' types. */
function combine(a: BsonNumber, b: BsonNumber, operation: Operation): BsonNumber {
  switch (Math.max(numericRank(a), numericRank(b))) {
    case 0:
      return operation.int(a as number, b as number);
    case 1:
      return fromLong(operation.long(toBigInt(a), toBigInt(b)));
    case 2:
      return doubleOf(operation.double(toDouble(a), toDouble(b)));
    default:
      return decimalOf(operation.decimal(decimalOperand(a), decimalOperand(b)));
  }
}

const ADD: Operation = {
  int: (a, b) => fromInt(a + b),
  long: (a, b) => a + b,
  double: (a, b) => a + b,
  decimal: addParts,
};
const SUBTRACT: Operation = {
  int: (a, b) => fromInt(a - b),
  long: (a, b) => a - b,
  double: (a, b) => a - b,
  decimal: (a, b) => addParts(a, negateParts(b)),
};
const MULTIPLY: Operation = {
  int: (a, b) => (Number.isSafeInteger(a * b) ? fromInt(a * b + 0) : BigInt(a) * BigInt(b)),
  long: (a, b) => a * b,
  double: (a, b) => a * b,
  decimal: multiplyParts,
};
const REMAINDER: Operation = {
  int: (a, b) => (a % b) + 0,
  long: (a, b) => a % b,
  double: (a, b) => a % b,
  decimal: remainderParts,
};

/** The sum in the wider type; an int32 overflow gives an int64, an int64 overflow a double. */
export const addNumbers = (a: BsonNumber, b: BsonNumber): BsonNumber => combine(a, b, ADD);
export const subtractNumbers = (a: BsonNumber, b: BsonNumber): BsonNumber => combine(a, b, SUBTRACT);
export const multiplyNumbers = (a: BsonNumber, b: BsonNumber): BsonNumber => combine(a, b, MULTIPLY);

/** The quotient: a double, or a decimal when an operand is one. The divisor is not zero. */
export function divideNumbers(a: BsonNumber, b: BsonNumber): BsonNumber {
  if (a instanceof Decimal128 || b instanceof Decimal128) {
    return decimalOf(divideParts(decimalOperand(a), decimalOperand(b)));
  }
  return doubleOf(toDouble(a) / toDouble(b));
}

/** The remainder of truncated division in the wider type. The divisor is not zero. */
export const remainderOf = (a: BsonNumber, b: BsonNumber): BsonNumber => combine(a, b, REMAINDER);

/** True where the result left the integers because 64 bits were too few: updates refuse that. */
export const overflowed = (a: BsonNumber, b: BsonNumber, result: BsonNumber): boolean =>
  numericRank(result) === 2 && numericRank(a) < 2 && numericRank(b) < 2;

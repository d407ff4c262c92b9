import { addNumbers, multiplyNumbers, overflowed } from "../bson/arithmetic.ts";
import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { Decimal128, decimalOf, parseDecimal } from "../bson/decimal.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonNumber, isNumber, numericRank, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate, BsonDouble, type BsonValue, isDocument, Timestamp } from "../bson/values.ts";
import { identical } from "../query/identical.ts";
import { type Change, REMOVED } from "./update-path.ts";

/** The inputs for compiling an operator. */
export interface OperatorOptions {
  readonly collation?: Collation;
  /** The field's path, for error messages. */
  readonly path: string;
  /** The instant of the update, in milliseconds. */
  readonly now: () => number;
}

/** Compiles one operator's operand for one field. */
export type UpdateOperator = (operand: BsonValue, options: OperatorOptions) => Change;

const set: UpdateOperator = (value) => (old) =>
  old !== undefined && identical(old, value) ? undefined : value;

const unset: UpdateOperator = () => (old) => (old === undefined ? undefined : REMOVED);

type Combine = (a: BsonNumber, b: BsonNumber) => BsonNumber;

const ZEROS: readonly BsonNumber[] = [0, 0n, new BsonDouble(0), decimalOf(parseDecimal("0")!)];

function arithmetic(
  name: "$inc" | "$mul",
  combine: Combine,
  missing: (operand: BsonNumber) => BsonNumber,
): UpdateOperator {
  const verb = name === "$inc" ? "increment" : "multiply";
  return (operand, { path }) => {
    if (!isNumber(operand))
      throw new CommandFault(
        14,
        `Cannot ${verb} with non-numeric argument: {${path}: ${typeNameOf(operand)}}`,
      );
    return (old) => {
      if (old === undefined) return missing(operand);
      if (!isNumber(old)) {
        throw new CommandFault(
          14,
          `Cannot apply ${name} to a value of non-numeric type. The field '${path}' has the non-numeric type ${typeNameOf(old)}`,
        );
      }
      const result = combine(old, operand);
      if (overflowed(old, operand, result)) {
        throw new CommandFault(
          2,
          `Failed to apply ${name} operations to the current value of '${path}': it would leave the 64-bit range`,
        );
      }
      return identical(old, result) ? undefined : result;
    };
  };
}

const extreme = (sign: 1 | -1): UpdateOperator => {
  return (operand, { collation }) =>
    (old) =>
      old === undefined || sign * compareValues(operand, old, collation) < 0 ? operand : undefined;
};

const currentDate: UpdateOperator = (operand, { path, now }) => {
  const isTyped = isDocument(operand) && operand.size === 1 && operand.has("$type");
  const type = isTyped ? operand.get("$type") : operand;
  if (type === true || type === "date" || (type === false && !isTyped)) return () => new BsonDate(now());
  if (isTyped && type === "timestamp") return () => timestampOf(now());
  throw new CommandFault(
    2,
    `The '$type' of $currentDate for '${path}' must be 'date' or 'timestamp', or the operand true`,
  );
};

let ordinal = 0n;
/** A timestamp of the given instant; the ordinal distinguishes those of one second. */
function timestampOf(ms: number): Timestamp {
  ordinal = (ordinal + 1n) & 0xffffffffn;
  return new Timestamp((BigInt(Math.floor(ms / 1000)) << 32n) | ordinal);
}

const BIT_OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

const isIntegral = (value: BsonValue | undefined): value is number | bigint =>
  isNumber(value) && numericRank(value) < 2;

const bit: UpdateOperator = (operand, { path }) => {
  if (!isDocument(operand)) {
    throw new CommandFault(
      2,
      `The $bit modifier is not compatible with a ${typeNameOf(operand)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    );
  }
  const steps = [...operand].map(([name, mask]) => {
    const apply = BIT_OPERATIONS[name];
    if (!apply)
      throw new CommandFault(
        2,
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator`,
      );
    if (!isIntegral(mask))
      throw new CommandFault(
        2,
        `The $bit modifier field must be an Integer(32/64 bit); a '${typeNameOf(mask)}' is not supported here`,
      );
    return { apply, mask };
  });
  if (steps.length === 0)
    throw new CommandFault(
      2,
      "You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}",
    );
  return (old) => {
    if (old !== undefined && !isIntegral(old)) {
      throw new CommandFault(
        2,
        `Cannot apply $bit to a value of non-integral type. The field '${path}' has the non-integer type ${typeNameOf(old)}`,
      );
    }
    const isLong = typeof old === "bigint" || steps.some(({ mask }) => typeof mask === "bigint");
    const bits = steps.reduce((value, { apply, mask }) => apply(value, BigInt(mask)), BigInt(old ?? 0));
    const result = isLong ? bits : Number(bits);
    return old !== undefined && identical(old, result) ? undefined : result;
  };
};

/** Operators on single values. */
export const VALUE_OPERATORS: Readonly<Record<string, UpdateOperator>> = {
  $set: set,
  $setOnInsert: set,
  $unset: unset,
  $inc: arithmetic("$inc", addNumbers, (operand) => operand),
  $mul: arithmetic("$mul", multiplyNumbers, (operand) => ZEROS[numericRank(operand)]!),
  $min: extreme(1),
  $max: extreme(-1),
  $currentDate: currentDate,
  $bit: bit,
};

/** An operand that must be a whole number. */
export function wholeNumber(value: BsonValue | undefined, what: string): number {
  const number = isNumber(value) && !(value instanceof Decimal128) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(number))
    throw new CommandFault(
      2,
      `The value for ${what} must be an integer value but was given type: ${typeNameOf(value)}`,
    );
  return number;
}

import {
  addNumbers,
  divideNumbers,
  fitsInt64,
  multiplyNumbers,
  remainderOf,
  subtractNumbers,
} from "../bson/arithmetic.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonNumber, isNumber, numericRank, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate, type BsonValue } from "../bson/values.ts";
import { binary, isNullish, type Maybe, type Operator, type OperatorTable, variadic } from "./operator.ts";

/** Milliseconds as a whole number, for adding to a date. */
const wholeMillis = (value: BsonNumber): bigint =>
  typeof value === "bigint" ? value : BigInt(Math.round(toDouble(value)));

function shiftDate(date: BsonDate, by: BsonNumber, sign: bigint): BsonDate {
  const ms = BigInt(date.ms) + sign * wholeMillis(by);
  if (!fitsInt64(ms)) throw new CommandFault(15, "date overflow in expression");
  return new BsonDate(ms);
}

function add(values: Maybe[]): Maybe {
  let sum: BsonNumber = 0;
  let date: BsonDate | undefined;
  for (const value of values) {
    if (isNullish(value)) return null;
    if (isNumber(value)) sum = addNumbers(sum, value);
    else if (value instanceof BsonDate) {
      if (date) throw new CommandFault(16612, "only one date allowed in an $add expression");
      date = value;
    } else {
      throw new CommandFault(14, `$add only supports numeric or date types, not ${typeNameOf(value)}`);
    }
  }
  return date ? shiftDate(date, sum, 1n) : sum;
}

function subtract(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  if (isNumber(a) && isNumber(b)) return subtractNumbers(a, b);
  if (a instanceof BsonDate && b instanceof BsonDate) return BigInt(a.ms) - BigInt(b.ms);
  if (a instanceof BsonDate && isNumber(b)) return shiftDate(a, b, -1n);
  throw new CommandFault(14, `can't $subtract ${typeNameOf(b)} from ${typeNameOf(a)}`);
}

function multiply(values: Maybe[]): Maybe {
  let product: BsonNumber = 1;
  for (const value of values) {
    if (isNullish(value)) return null;
    if (!isNumber(value))
      throw new CommandFault(14, `$multiply only supports numeric types, not ${typeNameOf(value)}`);
    product = multiplyNumbers(product, value);
  }
  return product;
}

const isZero = (value: BsonNumber): boolean => toDouble(value) === 0;

function divide(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  if (!isNumber(a) || !isNumber(b)) {
    throw new CommandFault(
      14,
      `$divide only supports numeric types, not ${typeNameOf(a)} and ${typeNameOf(b)}`,
    );
  }
  if (isZero(b)) throw new CommandFault(2, "can't $divide by zero");
  return divideNumbers(a, b);
}

function mod(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  if (!isNumber(a) || !isNumber(b)) {
    throw new CommandFault(
      16611,
      `$mod only supports numeric types, not ${typeNameOf(a)} and ${typeNameOf(b)}`,
    );
  }
  if (isZero(b)) throw new CommandFault(16610, "can't $mod by zero");
  return remainderOf(a, b);
}

type BitOperation = (a: bigint, b: bigint) => bigint;

function integers(name: string, values: readonly BsonValue[]): BsonNumber[] {
  return values.map((value) => {
    if (isNumber(value) && numericRank(value) < 2) return value;
    throw new CommandFault(14, `${name} only supports int and long operands.`);
  });
}

const bitwise = (name: string, start: bigint, apply: BitOperation): Operator =>
  variadic(name, (values) => {
    if (values.some(isNullish)) return null;
    const operands = integers(name, values as BsonValue[]);
    const result = operands.reduce<bigint>(
      (bits, value) => apply(bits, BigInt(value as number | bigint)),
      start,
    );
    return operands.some((value) => typeof value === "bigint") ? result : Number(result);
  });

/** Arithmetic on numbers and dates, and bits. */
export const arithmeticOperators: OperatorTable = {
  $add: variadic("$add", add),
  $subtract: binary("$subtract", subtract),
  $multiply: variadic("$multiply", multiply),
  $divide: binary("$divide", divide),
  $mod: binary("$mod", mod),
  $bitAnd: bitwise("$bitAnd", -1n, (a, b) => a & b),
  $bitOr: bitwise("$bitOr", 0n, (a, b) => a | b),
  $bitXor: bitwise("$bitXor", 0n, (a, b) => a ^ b),
  $bitNot: variadic(
    "$bitNot",
    ([value]) => {
      if (isNullish(value)) return null;
      const [operand] = integers("$bitNot", [value]);
      return typeof operand === "bigint" ? ~operand : ~(operand as number);
    },
    { least: 1, most: 1 },
  ),
};

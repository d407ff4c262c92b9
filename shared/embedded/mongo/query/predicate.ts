import { compareValues, rankOf, type StringOrder } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { TYPE_ALIASES } from "../bson/type-names.ts";
import { BsonUndefined, type BsonValue, MaxKey, MinKey, Regex, typeOf } from "../bson/values.ts";
import type { ValueTest } from "../fields/path.ts";
import { regexTest } from "../regex/compile-regex.ts";

export type Comparison = "$eq" | "$gt" | "$gte" | "$lt" | "$lte";

const ACCEPTS: Readonly<Record<Comparison, (order: number) => boolean>> = {
  $eq: (order) => order === 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

const isNullish = (value: BsonValue | undefined): boolean =>
  value === undefined || value === null || value instanceof BsonUndefined;

const isNaNumber = (value: BsonValue): boolean => isNumber(value) && Number.isNaN(toDouble(value));

function withNull(operator: Comparison, operand: BsonValue): ValueTest {
  const includesEqual = operator === "$eq" || operator === "$gte" || operator === "$lte";
  if (operand === null) return (value) => includesEqual && isNullish(value);
  return (value) => includesEqual && (value === null || value instanceof BsonUndefined);
}

function withExtreme(operator: Comparison, operand: MinKey | MaxKey): ValueTest {
  const rank = rankOf(operand);
  const isMax = operand instanceof MaxKey;
  const others = isMax
    ? operator === "$lt" || operator === "$lte"
    : operator === "$gt" || operator === "$gte";
  const itself = operator === "$eq" || operator === "$gte" || operator === "$lte";
  return (value) => (value !== undefined && rankOf(value) === rank ? itself : others);
}

/** A comparison in a filter: only values of the operand's type compare, and NaN equals only NaN. */
export function comparisonTest(operator: Comparison, operand: BsonValue, strings?: StringOrder): ValueTest {
  if (operand === null || operand instanceof BsonUndefined) return withNull(operator, operand);
  if (operand instanceof MinKey || operand instanceof MaxKey) return withExtreme(operator, operand);
  const accepts = ACCEPTS[operator];
  if (isNaNumber(operand)) {
    const itself = operator !== "$gt" && operator !== "$lt";
    return (value) => itself && value !== undefined && isNaNumber(value);
  }
  const rank = rankOf(operand);
  if (rank === 10) {
    return (value) => isNumber(value) && !isNaNumber(value) && accepts(compareValues(value, operand));
  }
  if (typeof operand === "string" && operator === "$eq" && !strings) {
    return (value) => value === operand || (typeof value === "object" && isSymbolLike(value, operand));
  }
  return (value) =>
    value !== undefined && rankOf(value) === rank && accepts(compareValues(value, operand, strings));
}

const isSymbolLike = (value: BsonValue, operand: BsonValue): boolean =>
  rankOf(value) === 15 && compareValues(value, operand) === 0;

/** Lists above this length are searched by key instead of one by one. */
const SMALL_LIST = 8;

/** `$in`: equality with one of the operands, or a match of one of the regular expressions. */
export function membershipTest(operands: readonly BsonValue[], strings?: StringOrder): ValueTest {
  const plain = operands.filter((operand) => !(operand instanceof Regex));
  const patterns = operands
    .filter((operand) => operand instanceof Regex)
    .map((regex) => regexTest(regex.pattern, regex.flags));
  const tests = [...equalityTests(plain, strings), ...patterns];
  if (tests.length === 1) return tests[0]!;
  return (value) => tests.some((test) => test(value));
}

function equalityTests(operands: readonly BsonValue[], strings?: StringOrder): ValueTest[] {
  if (operands.length <= SMALL_LIST || strings) {
    return operands.map((operand) => comparisonTest("$eq", operand, strings));
  }
  const keys = new Set(operands.map((operand) => indexKey([operand], [1])));
  const nullTest = operands.includes(null) ? [comparisonTest("$eq", null)] : [];
  return [(value) => value !== undefined && keys.has(indexKey([value], [1])), ...nullTest];
}

const NUMERIC_TYPES = [1, 16, 18, 19];

function typeCodes(spec: BsonValue): readonly number[] {
  if (typeof spec === "string") {
    if (spec === "number") return NUMERIC_TYPES;
    const code = TYPE_ALIASES.get(spec);
    if (code === undefined) throw new CommandFault(2, `Unknown type name alias: ${spec}`);
    return [code];
  }
  if (!isNumber(spec)) throw new CommandFault(14, "type must be represented as a number or a string");
  const code = toDouble(spec);
  if (code === -1) return [255];
  if (code !== 127 && (code < 1 || code > 19 || !Number.isInteger(code))) {
    throw new CommandFault(2, `Invalid numerical type code: ${code}`);
  }
  return [code];
}

/** `$type`: by number, alias, `"number"` or a list of these. */
export function typeTest(spec: BsonValue): ValueTest {
  if (Array.isArray(spec) && spec.length === 0)
    throw new CommandFault(9, "$type must match at least one type");
  const codes = new Set((Array.isArray(spec) ? spec : [spec]).flatMap(typeCodes));
  return (value) => value !== undefined && codes.has(typeOf(value));
}

function modOperand(value: BsonValue | undefined, name: string): bigint {
  const number = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isFinite(number)) throw new CommandFault(2, `malformed mod, ${name} not a number`);
  return typeof value === "bigint" ? value : BigInt(Math.trunc(number));
}

/** `$mod: [divisor, remainder]`, on values truncated to 64 bits. */
export function modTest(spec: BsonValue): ValueTest {
  if (!Array.isArray(spec)) throw new CommandFault(2, "malformed mod, needs to be an array");
  if (spec.length < 2) throw new CommandFault(2, "malformed mod, not enough elements");
  if (spec.length > 2) throw new CommandFault(2, "malformed mod, too many elements");
  const divisor = modOperand(spec[0], "divisor");
  const remainder = modOperand(spec[1], "remainder");
  if (divisor === 0n) throw new CommandFault(2, "divisor cannot be 0");
  return (value) => {
    if (!isNumber(value)) return false;
    const number = toDouble(value);
    if (!Number.isFinite(number)) return false;
    const whole = typeof value === "bigint" ? value : BigInt(Math.trunc(number));
    return whole % divisor === remainder;
  };
}

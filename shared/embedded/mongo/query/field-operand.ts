import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { POINTER_FIELDS } from "../fields/field-path.ts";
import type { ValueTest } from "../fields/path.ts";
import { regexTest } from "../regex/compile-regex.ts";
import { DOCUMENT_OPERATORS, type MatchOptions } from "./matcher.ts";
import { type Comparison, comparisonTest } from "./predicate.ts";

/**
 * Returns whether a filter's value contains operators (`{ $gt: 5 }`). Other values, such as a DBRef, are compared
 * for equality.
 */
export function isOperatorDocument(value: BsonValue): value is BsonDocument {
  if (!isDocument(value)) return false;
  const first = value.keys().next();
  return !first.done && first.value.startsWith("$") && !(value.has("$ref") && value.has("$id"));
}

/**
 * Returns whether a name is an operator on the value at a path, and not a field or an operator on whole documents.
 */
export const isFieldOperator = (name: string | undefined): boolean =>
  name?.startsWith("$") === true && !DOCUMENT_OPERATORS.has(name) && !POINTER_FIELDS.has(name);

export const isTruthyOperand = (value: BsonValue): boolean =>
  value !== false && value !== null && !(isNumber(value) && toDouble(value) === 0);

/** One operator as a test of single values, and the values to which it applies. */
export interface FieldTest {
  readonly test: ValueTest;
  /** False: applies to the value at the path only, not to the elements of an array. */
  readonly expandLeaf: boolean;
  readonly negated?: boolean;
}

export const onElements = (test: ValueTest): FieldTest => ({ test, expandLeaf: true });
export const onWhole = (test: ValueTest): FieldTest => ({ test, expandLeaf: false });

export function compareOperand(operator: Comparison, value: BsonValue, options: MatchOptions): FieldTest {
  if (value instanceof Regex && operator !== "$eq") {
    throw new CommandFault(2, `Can't have RegEx as arg to predicate over field with operator ${operator}.`);
  }
  return onElements(comparisonTest(operator, value, options.collation));
}

export function listOperand(operator: string, value: BsonValue): readonly BsonValue[] {
  if (!Array.isArray(value)) throw new CommandFault(2, `${operator} needs an array`);
  for (const item of value) {
    if (isOperatorDocument(item)) throw new CommandFault(2, `cannot nest $ under ${operator}`);
  }
  return value;
}

export function regexOperand(value: BsonValue, options: BsonValue | undefined): FieldTest {
  if (options !== undefined && typeof options !== "string")
    throw new CommandFault(2, "$options has to be a string");
  if (value instanceof Regex) {
    if (options !== undefined && value.flags !== "")
      throw new CommandFault(51074, "options set in both $regex and $options");
    return onElements(regexTest(value.pattern, options ?? value.flags));
  }
  if (typeof value !== "string") throw new CommandFault(2, "$regex has to be a string");
  return onElements(regexTest(value, options ?? ""));
}

export function sizeOperand(value: BsonValue): FieldTest {
  if (!isNumber(value)) throw new CommandFault(9, "Failed to parse $size. Expected a number in: $size");
  const size = toDouble(value);
  if (!Number.isInteger(size))
    throw new CommandFault(9, `Failed to parse $size. Expected an integer: $size: ${size}`);
  if (size < 0)
    throw new CommandFault(9, `Failed to parse $size. Expected a non-negative number in: $size: ${size}`);
  return onWhole((item) => Array.isArray(item) && item.length === size);
}

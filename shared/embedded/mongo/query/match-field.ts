import { CommandFault, unsupported } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { type BitOperator, bitsTest } from "./bits.ts";
import { POINTER_FIELDS } from "./field-path.ts";
import { compileMatch, DOCUMENT_OPERATORS, type Matcher, type MatchOptions, negate } from "./match.ts";
import { anyValueAt, matched, type Path, type ValueTest } from "./path.ts";
import { type Comparison, comparisonTest, membershipTest, modTest, typeTest } from "./predicate.ts";
import { regexTest } from "./regex.ts";

const GEO = new Set([
  "$geoWithin",
  "$geoIntersects",
  "$near",
  "$nearSphere",
  "$within",
  "$maxDistance",
  "$minDistance",
]);

/** Whether a filter's value holds operators (`{ $gt: 5 }`) rather than being a value to equal, such as a DBRef. */
export function isOperatorDocument(value: BsonValue): value is BsonDocument {
  if (!isDocument(value)) return false;
  const first = value.keys().next();
  return !first.done && first.value.startsWith("$") && !(value.has("$ref") && value.has("$id"));
}

/** Whether a name is that of an operator on the value at a path, not one on whole documents, and no field. */
export const isFieldOperator = (name: string | undefined): boolean =>
  name?.startsWith("$") === true && !DOCUMENT_OPERATORS.has(name) && !POINTER_FIELDS.has(name);

const truthy = (value: BsonValue): boolean =>
  value !== false && value !== null && !(isNumber(value) && toDouble(value) === 0);

/** One operator as a test of single values, and which values it wants to see; undefined for `$options`. */
interface FieldTest {
  readonly test: ValueTest;
  /** False: only the value at the path itself, never an array's elements. */
  readonly expandLeaf: boolean;
  readonly negated?: boolean;
}

const onElements = (test: ValueTest): FieldTest => ({ test, expandLeaf: true });
const onWhole = (test: ValueTest): FieldTest => ({ test, expandLeaf: false });

function compareOperand(operator: Comparison, value: BsonValue, options: MatchOptions): FieldTest {
  if (value instanceof Regex && operator !== "$eq") {
    throw new CommandFault(2, `Can't have RegEx as arg to predicate over field with operator ${operator}.`);
  }
  return onElements(comparisonTest(operator, value, options.collation));
}

function listOperand(operator: string, value: BsonValue): readonly BsonValue[] {
  if (!Array.isArray(value)) throw new CommandFault(2, `${operator} needs an array`);
  for (const item of value) {
    if (isOperatorDocument(item)) throw new CommandFault(2, `cannot nest $ under ${operator}`);
  }
  return value;
}

function regexOperand(value: BsonValue, options: BsonValue | undefined): FieldTest {
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

function sizeOperand(value: BsonValue): FieldTest {
  if (!isNumber(value)) throw new CommandFault(9, "Failed to parse $size. Expected a number in: $size");
  const size = toDouble(value);
  if (!Number.isInteger(size))
    throw new CommandFault(9, `Failed to parse $size. Expected an integer: $size: ${size}`);
  if (size < 0)
    throw new CommandFault(9, `Failed to parse $size. Expected a non-negative number in: $size: ${size}`);
  return onWhole((item) => Array.isArray(item) && item.length === size);
}

/** An array as a document of its positions, as `$elemMatch` sees arrays inside arrays. */
const positionsOf = (items: readonly BsonValue[]): BsonDocument =>
  new Map(items.map((item, index) => [String(index), item]));

function elementTest(value: BsonDocument, options: MatchOptions): ValueTest {
  if (isFieldOperator(value.keys().next().value)) {
    const test = plainTest(value, options);
    return (item) => test(item);
  }
  const match = compileMatch(value, { ...options, expr: "at the top only" });
  return (item) => {
    if (item instanceof Map) return match(item);
    return Array.isArray(item) && match(positionsOf(item));
  };
}

/** `$elemMatch`: one element meets all conditions; its position is what `$` means afterwards. */
export function elemMatchTest(value: BsonValue, options: MatchOptions): ValueTest {
  if (!isDocument(value)) throw new CommandFault(2, "$elemMatch needs an Object");
  const test = elementTest(value, options);
  return (items) => {
    if (!Array.isArray(items)) return false;
    const index = items.findIndex((item) => test(item));
    if (index >= 0) matched.index = index;
    return index >= 0;
  };
}

const isElementMatch = (value: BsonValue): value is BsonDocument =>
  isDocument(value) && value.keys().next().value === "$elemMatch";

function allOperand(value: BsonValue, options: MatchOptions): FieldTest[] {
  if (!Array.isArray(value)) throw new CommandFault(2, "$all needs an array");
  if (value.length === 0) return [onElements(() => false)];
  if (isElementMatch(value[0]!)) {
    return value.map((item) => {
      if (!isElementMatch(item)) throw new CommandFault(2, "$all/$elemMatch has to be consistent");
      return onWhole(elemMatchTest(item.get("$elemMatch")!, options));
    });
  }
  return value.map((item) => {
    if (isOperatorDocument(item)) throw new CommandFault(2, "no $ expressions in $all");
    if (item instanceof Regex) return onElements(regexTest(item.pattern, item.flags));
    return onElements(comparisonTest("$eq", item, options.collation));
  });
}

function notOperand(value: BsonValue, options: MatchOptions): FieldTest[] {
  if (value instanceof Regex) return [onElements(regexTest(value.pattern, value.flags))];
  if (!isDocument(value)) throw new CommandFault(2, "$not needs a regex or a document");
  if (value.size === 0) throw new CommandFault(2, "$not cannot be empty");
  for (const name of value.keys())
    if (!name.startsWith("$")) throw new CommandFault(2, `unknown operator: ${name}`);
  return fieldTests(value, options);
}

function fieldTest(
  operator: string,
  operators: BsonDocument,
  options: MatchOptions,
): FieldTest | FieldTest[] {
  const value = operators.get(operator)!;
  switch (operator) {
    case "$eq":
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return compareOperand(operator, value, options);
    case "$ne":
      if (value instanceof Regex) throw new CommandFault(2, "Can't have regex as arg to $ne.");
      return { ...onElements(comparisonTest("$eq", value, options.collation)), negated: true };
    case "$in":
      return onElements(membershipTest(listOperand("$in", value), options.collation));
    case "$nin":
      return { ...onElements(membershipTest(listOperand("$nin", value), options.collation)), negated: true };
    case "$exists": {
      const wanted = truthy(value);
      return { ...onWhole((item) => item !== undefined), negated: !wanted };
    }
    case "$type":
      return onElements(typeTest(value));
    case "$all":
      return allOperand(value, options);
    case "$not":
      return negatedGroup(notOperand(value, options));
    default:
      return rarerFieldTest(operator, operators, options);
  }
}

function rarerFieldTest(
  operator: string,
  operators: BsonDocument,
  options: MatchOptions,
): FieldTest | FieldTest[] {
  const value = operators.get(operator)!;
  switch (operator) {
    case "$size":
      return sizeOperand(value);
    case "$elemMatch":
      return onWhole(elemMatchTest(value, options));
    case "$mod":
      return onElements(modTest(value));
    case "$regex":
      return regexOperand(value, operators.get("$options"));
    case "$options":
      if (!operators.has("$regex")) throw new CommandFault(2, "$options needs a $regex");
      return [];
    case "$bitsAllSet":
    case "$bitsAnySet":
    case "$bitsAllClear":
    case "$bitsAnyClear":
      return onElements(bitsTest(operator as BitOperator, value));
    case "$comment":
      return [];
  }
  if (GEO.has(operator)) throw unsupported(`The geospatial query operator ${operator}`);
  throw new CommandFault(2, `unknown operator: ${operator}`);
}

const groups = new WeakMap<FieldTest, readonly FieldTest[]>();

/** `$not` denies its operators together: it must see all of a path's values before it can deny. */
function negatedGroup(tests: readonly FieldTest[]): FieldTest {
  const group: FieldTest = {
    test: (item) => tests.every(({ test, negated }) => test(item) !== (negated === true)),
    expandLeaf: true,
    negated: true,
  };
  groups.set(group, tests);
  return group;
}

const fieldTests = (operators: BsonDocument, options: MatchOptions): FieldTest[] =>
  [...operators.keys()].flatMap((operator) => fieldTest(operator, operators, options));

function atPath(path: Path, field: FieldTest): Matcher {
  const group = groups.get(field);
  if (group) {
    const inner = group.map((test) => atPath(path, test));
    return negate((doc) => inner.every((test) => test(doc)));
  }
  const search: Matcher = (doc) => anyValueAt(doc, path, field.expandLeaf, field.test);
  return field.negated ? negate(search) : search;
}

/** The tests that the operators of one field impose on a document. */
export function compileFieldTests(path: Path, operators: BsonDocument, options: MatchOptions): Matcher[] {
  return fieldTests(operators, options).map((test) => atPath(path, test));
}

/** All of a field's operators as one test of the value at its path, right as long as no array is involved. */
export function plainTest(operators: BsonDocument, options: MatchOptions): ValueTest {
  const tests = fieldTests(operators, options);
  return (value) => tests.every(({ test, negated }) => test(value) !== (negated === true));
}

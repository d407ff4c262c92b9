import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { compileExpression, isTruthy } from "../expression/expression.ts";
import { Scope } from "../expression/scope.ts";
import { POINTER_FIELDS } from "../fields/field-path.ts";
import { anyValueAt, matched, type Path, parsePath, type ValueTest } from "../fields/path.ts";
import { regexTest } from "../regex/compile-regex.ts";
import { type BitOperator, bitsTest } from "./bits.ts";
import {
  compareOperand,
  type FieldTest,
  isFieldOperator,
  isOperatorDocument,
  isTruthyOperand,
  listOperand,
  onElements,
  onWhole,
  regexOperand,
  sizeOperand,
} from "./field-operand.ts";
import { allOf, type Matcher, type MatchOptions, negate } from "./matcher.ts";
import { comparisonTest, membershipTest, modTest, typeTest } from "./predicate.ts";

const GEO = new Set([
  "$geoWithin",
  "$geoIntersects",
  "$near",
  "$nearSphere",
  "$within",
  "$maxDistance",
  "$minDistance",
]);

const UNSUPPORTED_TOP = new Set(["$where", "$text", "$jsonSchema"]);

function branches(operator: string, value: BsonValue, options: MatchOptions): Matcher[] {
  if (!Array.isArray(value)) throw new CommandFault(2, `${operator} must be an array`);
  if (value.length === 0) throw new CommandFault(2, "$and/$or/$nor must be a nonempty array");
  return value.map((branch) => {
    if (!isDocument(branch)) throw new CommandFault(2, "$or/$and/$nor entries need to be full objects");
    return compileMatch(branch, options);
  });
}

function expressionMatcher(value: BsonValue, options: MatchOptions): Matcher {
  if (options.expr === "banned") throw new CommandFault(224, "$expr is not allowed in this context");
  if (options.expr === "at the top only")
    throw new CommandFault(2, "$expr can only be applied to the top-level document");
  const scope = options.scope ?? new Scope({ strings: options.collation });
  const expression = compileExpression(value, scope);
  return (doc) => isTruthy(expression(doc));
}

function topLevelOperator(operator: string, value: BsonValue, options: MatchOptions): Matcher | undefined {
  switch (operator) {
    case "$and":
      return allOf(branches(operator, value, options));
    case "$or": {
      const tests = branches(operator, value, options);
      return (doc) => tests.some((test) => test(doc));
    }
    case "$nor": {
      const tests = branches(operator, value, options);
      return negate((doc) => tests.some((test) => test(doc)));
    }
    case "$expr":
      return expressionMatcher(value, options);
    case "$comment":
      return undefined;
    case "$alwaysTrue":
      return () => true;
    case "$alwaysFalse":
      return () => false;
  }
  if (UNSUPPORTED_TOP.has(operator)) throw unsupported(`The query operator ${operator}`);
  throw new CommandFault(
    2,
    `unknown top level operator: ${operator}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
  );
}

/** Converts an array to a document keyed by position, as `$elemMatch` treats arrays inside arrays. */
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

/** `$elemMatch`: one element satisfies all conditions; its position is the positional `$` afterwards. */
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
      const wanted = isTruthyOperand(value);
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

/** `$not` negates all of its operators together, over all values at the path. */
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

/** Compiles the operators of one field to tests of documents. */
function compileFieldTests(path: Path, operators: BsonDocument, options: MatchOptions): Matcher[] {
  return fieldTests(operators, options).map((test) => atPath(path, test));
}

/**
 * Compiles all operators of a field to one test of the value at its path. It is correct only without arrays.
 */
export function plainTest(operators: BsonDocument, options: MatchOptions): ValueTest {
  const tests = fieldTests(operators, options);
  return (value) => tests.every(({ test, negated }) => test(value) !== (negated === true));
}

function fieldMatcher(path: Path, value: BsonValue, options: MatchOptions): Matcher {
  if (isOperatorDocument(value)) return allOf(compileFieldTests(path, value, options));
  const test =
    value instanceof Regex
      ? regexTest(value.pattern, value.flags)
      : comparisonTest("$eq", value, options.collation);
  return (doc) => anyValueAt(doc, path, true, test);
}

/**
 * Compiles a filter to a test of documents.
 *
 * All errors of the filter are thrown here, with or without documents: CommandFault 2 (BadValue) for unknown
 * operators and invalid operands, 115 for operators that only a real server supports.
 */
export function compileMatch(filter: BsonDocument, options: MatchOptions = {}): Matcher {
  const tests: Matcher[] = [];
  for (const [name, value] of filter) {
    const test =
      name.startsWith("$") && !POINTER_FIELDS.has(name)
        ? topLevelOperator(name, value, options)
        : fieldMatcher(parsePath(name), value, options);
    if (test) tests.push(test);
  }
  return allOf(tests);
}

/**
 * Returns the array position at which a filter matched a document: the positional `$` of updates and projections.
 */
export function matchedArrayIndex(match: Matcher, doc: BsonDocument): number | undefined {
  matched.index = -1;
  return match(doc) && matched.index >= 0 ? matched.index : undefined;
}

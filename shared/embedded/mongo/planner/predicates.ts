import {
  BsonDate,
  type BsonDocument,
  type BsonValue,
  isDocument,
  MaxKey,
  MinKey,
  ObjectId,
  Regex,
} from "../bson/values.ts";

export interface RangeEnd {
  readonly value: BsonValue;
  readonly isInclusive: boolean;
}

/** The conditions of a filter on one path that an index can serve. */
export interface PathPredicate {
  /** The path equals one of these values. */
  equals?: readonly BsonValue[];
  low?: RangeEnd;
  high?: RangeEnd;
  /** Sets no bounds, but may imply the filter of a partial index. */
  exists?: boolean;
}

export interface FilterPredicates {
  readonly paths: ReadonlyMap<string, PathPredicate>;
  /** True if the predicates are equivalent to the filter. */
  readonly isComplete: boolean;
}

/**
 * Extracts equalities and ranges from the top level of a filter and from `$and`; matching handles the rest.
 */
export function predicatesOf(filter: BsonDocument): FilterPredicates {
  const collected = { paths: new Map<string, PathPredicate>(), isComplete: true };
  collect(filter, collected);
  return collected;
}

interface Collected {
  readonly paths: Map<string, PathPredicate>;
  isComplete: boolean;
}

function collect(filter: BsonDocument, into: Collected): void {
  for (const [name, condition] of filter) {
    if (name === "$and" && Array.isArray(condition)) {
      for (const part of condition) if (isDocument(part)) collect(part, into);
    } else if (name.startsWith("$")) into.isComplete = into.isComplete && name === "$comment";
    else if (!addCondition(predicateAt(into.paths, name), condition)) into.isComplete = false;
  }
}

function predicateAt(paths: Map<string, PathPredicate>, path: string): PathPredicate {
  const known = paths.get(path);
  if (known !== undefined) return known;
  const fresh: PathPredicate = {};
  paths.set(path, fresh);
  return fresh;
}

/** False if a part of the condition is not in the predicate. */
function addCondition(predicate: PathPredicate, condition: BsonValue): boolean {
  if (!isDocument(condition) || !isOperators(condition)) return addEquality(predicate, [condition]);
  let isWhole = true;
  for (const [operator, operand] of condition) {
    if (!addOperator(predicate, operator, operand)) isWhole = false;
  }
  return isWhole;
}

function addOperator(predicate: PathPredicate, operator: string, operand: BsonValue): boolean {
  switch (operator) {
    case "$eq":
      return addEquality(predicate, [operand]);
    case "$in":
      return Array.isArray(operand) && addEquality(predicate, operand);
    case "$gt":
    case "$gte":
      return addEnd(predicate, "low", { value: operand, isInclusive: operator === "$gte" });
    case "$lt":
    case "$lte":
      return addEnd(predicate, "high", { value: operand, isInclusive: operator === "$lte" });
    case "$exists":
      if (typeof operand !== "boolean" || predicate.exists !== undefined) return false;
      predicate.exists = operand;
      return true;
    default:
      return false;
  }
}

function addEquality(predicate: PathPredicate, values: readonly BsonValue[]): boolean {
  if (predicate.equals !== undefined || !values.every(isPoint)) return false;
  predicate.equals = values;
  return true;
}

function addEnd(predicate: PathPredicate, end: "low" | "high", range: RangeEnd): boolean {
  if (predicate[end] !== undefined || !isOrdered(range.value)) return false;
  predicate[end] = range;
  return true;
}

/**
 * An array also equals arrays that contain it, and a regular expression matches by pattern: neither is a single
 * key.
 */
const isPoint = (value: BsonValue): boolean =>
  !Array.isArray(value) &&
  !(value instanceof Regex) &&
  !(value instanceof MinKey) &&
  !(value instanceof MaxKey);

/** Values that compare within their type only, so that a range is an interval of keys. */
const isOrdered = (value: BsonValue): boolean => {
  if (typeof value === "number") return !Number.isNaN(value);
  if (typeof value === "string" || typeof value === "bigint") return true;
  return value instanceof BsonDate || value instanceof ObjectId;
};

/** Values for which the index key decides the match. */
export const isSimple = (value: BsonValue): boolean => isOrdered(value) || typeof value === "boolean";

/** Returns true if the document contains operators (`{ $gt: 1 }`), false if it is a value to compare with. */
function isOperators(condition: BsonDocument): boolean {
  const [first] = condition.keys();
  return first?.startsWith("$") === true;
}

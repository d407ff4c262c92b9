import type { Collation } from "../bson/collation.ts";
import { compareValues, equalValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { compileSort } from "../fields/sort.ts";
import { isFieldOperator } from "../query/field-operand.ts";
import { compileMatch } from "../query/match.ts";
import { type OperatorOptions, type UpdateOperator, wholeNumber } from "./update-operators.ts";

type Transform = (items: readonly BsonValue[]) => BsonValue[] | undefined;

function arrayOf(name: string, old: BsonValue, path: string): BsonValue[] {
  if (Array.isArray(old)) return old;
  throw new CommandFault(
    2,
    `Cannot apply ${name} to a non-array field. The field '${path}' must be an array but is of type ${typeNameOf(old)}`,
  );
}

/** `{ $each: [...] }` or the one value to add. */
function valuesToAdd(name: string, operand: BsonValue): BsonValue[] {
  if (!isDocument(operand) || !operand.has("$each")) return [operand];
  const each = operand.get("$each")!;
  if (Array.isArray(each)) return each;
  throw new CommandFault(
    name === "$push" ? 2 : 14,
    `The argument to $each in ${name} must be an array but it was of type ${typeNameOf(each)}`,
  );
}

const CLAUSES = new Set(["$each", "$slice", "$sort", "$position"]);

function checkClauses(operand: BsonDocument): void {
  for (const name of operand.keys()) {
    if (!CLAUSES.has(name)) throw new CommandFault(2, `Unrecognized clause in $push: ${name}`);
  }
}

function elementSort(spec: BsonValue, collation?: Collation): (items: BsonValue[]) => BsonValue[] {
  if (isNumber(spec)) {
    const direction = toDouble(spec);
    if (direction !== 1 && direction !== -1)
      throw new CommandFault(2, "The $sort element value must be either 1 or -1");
    return (items) => items.sort((a, b) => direction * compareValues(a, b, collation));
  }
  if (!isDocument(spec))
    throw new CommandFault(
      2,
      "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields",
    );
  if (spec.size === 0)
    throw new CommandFault(2, "The $sort pattern is empty when it should be a set of fields.");
  const sorter = compileSort(spec, collation);
  const keyOf = (item: BsonValue) => sorter.keyOf(isDocument(item) ? item : new Map());
  return (items) => items.sort((a, b) => sorter.compare(keyOf(a), keyOf(b)));
}

const insertAt = (
  items: readonly BsonValue[],
  added: readonly BsonValue[],
  position: number,
): BsonValue[] => {
  const at = position < 0 ? Math.max(0, items.length + position) : Math.min(position, items.length);
  return [...items.slice(0, at), ...added, ...items.slice(at)];
};

const push: UpdateOperator = (operand, { path, collation }) => {
  const added = valuesToAdd("$push", operand);
  const clauses: BsonDocument = isDocument(operand) && operand.has("$each") ? operand : new Map();
  checkClauses(clauses);
  const position = clauses.has("$position") ? wholeNumber(clauses.get("$position"), "$position") : Infinity;
  const slice = clauses.has("$slice") ? wholeNumber(clauses.get("$slice"), "$slice") : undefined;
  const sort = clauses.has("$sort") ? elementSort(clauses.get("$sort")!, collation) : undefined;
  return (old) => {
    const items = old === undefined ? [] : arrayOf("$push", old, path);
    let next = insertAt(items, added, position);
    if (sort) next = sort(next);
    if (slice !== undefined) next = slice < 0 ? next.slice(slice) : next.slice(0, slice);
    const isSame =
      old !== undefined &&
      added.length === 0 &&
      next.length === items.length &&
      next.every((item, i) => item === items[i]);
    return isSame ? undefined : next;
  };
};

/** Longer arrays are searched by key instead of element by element. */
const KEYED_LENGTH = 32;

const addToSet: UpdateOperator = (operand, { path, collation }) => {
  if (isDocument(operand) && operand.has("$each") && operand.size > 1) {
    throw new CommandFault(2, "Found unexpected fields after $each in $addToSet");
  }
  const added = valuesToAdd("$addToSet", operand);
  return (old) => {
    const items = old === undefined ? [] : arrayOf("$addToSet", old, path);
    const isNew = newcomers(items, collation);
    const fresh = added.filter((value) => isNew(value));
    return old !== undefined && fresh.length === 0 ? undefined : [...items, ...fresh];
  };
};

/** Returns a function that returns true for values that it has not received before. */
function newcomers(items: readonly BsonValue[], collation?: Collation): (value: BsonValue) => boolean {
  if (collation || items.length < KEYED_LENGTH) {
    const known = [...items];
    return (value) => {
      if (known.some((item) => equalValues(item, value, collation))) return false;
      known.push(value);
      return true;
    };
  }
  const keys = new Set(items.map((item) => indexKey([item], [1])));
  return (value) => {
    const size = keys.size;
    return keys.add(indexKey([value], [1])).size > size;
  };
}

const pop: UpdateOperator = (operand, { path }) => {
  const direction = isNumber(operand) ? toDouble(operand) : Number.NaN;
  if (direction !== 1 && direction !== -1)
    throw new CommandFault(
      9,
      `$pop expects 1 or -1, found: ${isNumber(operand) ? direction : typeNameOf(operand)}`,
    );
  return (old) => {
    if (old === undefined) return undefined;
    if (!Array.isArray(old))
      throw new CommandFault(14, `Path '${path}' contains an element of non-array type '${typeNameOf(old)}'`);
    if (old.length === 0) return undefined;
    return direction === 1 ? old.slice(0, -1) : old.slice(1);
  };
};

const removing = (name: string, path: string, removes: (item: BsonValue) => boolean) => {
  const transform: Transform = (items) => {
    const kept = items.filter((item) => !removes(item));
    return kept.length === items.length ? undefined : kept;
  };
  return (old: BsonValue | undefined): BsonValue | undefined =>
    old === undefined ? undefined : transform(arrayOf(name, old, path));
};

/** `$pull` takes a value, a condition on values (`{ $gte: 3 }`), or a filter on documents (`{ $or: [...] }` too). */
function pullTest(operand: BsonValue, { collation }: OperatorOptions): (item: BsonValue) => boolean {
  const isCondition = isDocument(operand) && isFieldOperator(operand.keys().next().value);
  if (isCondition || operand instanceof Regex) {
    const match = compileMatch(new Map([["value", operand]]), { collation });
    return (item) => match(new Map([["value", item]]));
  }
  if (isDocument(operand)) {
    const match = compileMatch(operand, { collation, expr: "banned" });
    return (item) => isDocument(item) && match(item);
  }
  return (item) => equalValues(item, operand, collation);
}

const pull: UpdateOperator = (operand, options) =>
  removing("$pull", options.path, pullTest(operand, options));

const pullAll: UpdateOperator = (operand, { path, collation }) => {
  if (!Array.isArray(operand))
    throw new CommandFault(2, `$pullAll requires an array argument but was given a ${typeNameOf(operand)}`);
  return removing("$pullAll", path, (item) => operand.some((value) => equalValues(item, value, collation)));
};

/** Operators on arrays. */
export const ARRAY_OPERATORS: Readonly<Record<string, UpdateOperator>> = {
  $push: push,
  $addToSet: addToSet,
  $pop: pop,
  $pull: pull,
  $pullAll: pullAll,
};

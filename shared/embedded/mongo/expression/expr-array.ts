import type { Collation } from "../bson/collation.ts";
import { equalValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument, isInt32 } from "../bson/values.ts";
import { compileSort } from "../fields/sort.ts";
import { compareMaybe } from "./expr-logic.ts";
import {
  binary,
  isNullish,
  type Maybe,
  named,
  namedArguments,
  type Operator,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";

function integer(value: Maybe, name: string, code: number): number {
  const number = isNumber(value) ? toDouble(value) : Number.NaN;
  if (isInt32(number) || Object.is(number, -0)) return number;
  throw new CommandFault(
    code,
    `${name} requires an integral 32-bit argument, found a value of type: ${typeNameOf(value)}`,
  );
}

function list(value: Maybe, name: string, code: number): BsonValue[] {
  if (Array.isArray(value)) return value;
  throw new CommandFault(code, `${name}'s argument must be an array, but is ${typeNameOf(value)}`);
}

function elementAt(items: Maybe, index: Maybe): Maybe {
  if (isNullish(items) || isNullish(index)) return null;
  const array = list(items, "$arrayElemAt", 28689);
  return array.at(integer(index, "$arrayElemAt", 28691));
}

const edge = (name: string, at: number): Operator =>
  unary(name, (items) => (isNullish(items) ? null : list(items, name, 28689).at(at)));

function concatArrays(values: Maybe[]): Maybe {
  const result: BsonValue[] = [];
  for (const value of values) {
    if (isNullish(value)) return null;
    if (!Array.isArray(value))
      throw new CommandFault(28664, `$concatArrays only supports arrays, not ${typeNameOf(value)}`);
    for (const item of value) result.push(item);
  }
  return result;
}

const isIn: Operator = (operand, context) =>
  binary("$in", (value, items) => {
    if (!Array.isArray(items))
      throw new CommandFault(
        40081,
        `$in requires an array as a second argument, found: ${typeNameOf(items)}`,
      );
    return value !== undefined && items.some((item) => equalValues(item, value, context.scope.strings));
  })(operand, context);

function indexOfArray([items, wanted, from, to]: Maybe[], strings: Collation | undefined): Maybe {
  if (isNullish(items)) return null;
  const array = list(items, "$indexOfArray", 40090);
  const start = from === undefined ? 0 : integer(from, "$indexOfArray", 40096);
  const end = to === undefined ? array.length : Math.min(array.length, integer(to, "$indexOfArray", 40096));
  if (start < 0 || end < 0) throw new CommandFault(40097, "$indexOfArray requires a nonnegative index");
  for (let at = start; at < end; at++)
    if (wanted !== undefined && equalValues(array[at]!, wanted, strings)) return at;
  return -1;
}

function slice([items, first, second]: Maybe[]): Maybe {
  if (isNullish(items) || isNullish(first) || second === null) return null;
  const array = list(items, "$slice", 28724);
  const from = integer(first, "$slice", 28726);
  if (second === undefined) return from < 0 ? array.slice(from) : array.slice(0, from);
  const count = integer(second, "$slice", 28728);
  if (count <= 0) throw new CommandFault(28729, "Third argument to $slice must be positive");
  const start = from < 0 ? Math.max(0, array.length + from) : from;
  return array.slice(start, start + count);
}

function range([from, to, by]: Maybe[]): Maybe {
  const start = integer(from, "$range", 34444);
  const end = integer(to, "$range", 34446);
  const step = by === undefined ? 1 : integer(by, "$range", 34448);
  if (step === 0) throw new CommandFault(34449, "$range requires a non-zero step value");
  if ((end - start) / step > 5_000_000) throw new CommandFault(292, "$range would use too much memory");
  const result: BsonValue[] = [];
  for (let value = start; step > 0 ? value < end : value > end; value += step) result.push(value);
  return result;
}

function zip({ inputs, useLongestLength = false, defaults }: Readonly<Record<string, Maybe>>): Maybe {
  if (isNullish(inputs)) return null;
  const arrays = list(inputs, "$zip", 34461);
  if (arrays.some((item) => isNullish(item))) return null;
  const lists = arrays.map((item) => list(item, "$zip", 34468));
  if (!isNullish(defaults) && useLongestLength !== true)
    throw new CommandFault(34466, "cannot specify defaults unless useLongestLength is true");
  const fill = isNullish(defaults) ? [] : list(defaults, "$zip", 34462);
  const lengths = lists.map((items) => items.length);
  const length = useLongestLength === true ? Math.max(0, ...lengths) : Math.min(...lengths);
  return Array.from({ length }, (_, row) => lists.map((items, column) => items[row] ?? fill[column] ?? null));
}

/** The first element decides whether all must be `[k, v]` or `{ k, v }`. */
function arrayToObject(value: Maybe): Maybe {
  if (isNullish(value)) return null;
  const items = list(value, "$arrayToObject", 40386);
  const [first] = items;
  if (first !== undefined && !Array.isArray(first) && !isDocument(first))
    throw new CommandFault(40398, `Unrecognised input type format for $arrayToObject: ${typeNameOf(first)}`);
  return new Map(items.map(Array.isArray(first) ? pairOfArray : pairOfDocument));
}

const inconsistent = (code: number, detected: string, found: BsonValue): CommandFault =>
  new CommandFault(
    code,
    `$arrayToObject requires a consistent input format. Elements must all be arrays or all be objects. ${detected} was detected, now found: ${typeNameOf(found)}`,
  );

function pairOfArray(item: BsonValue): [string, BsonValue] {
  if (!Array.isArray(item)) throw inconsistent(40396, "Array", item);
  if (item.length !== 2)
    throw new CommandFault(
      40397,
      `$arrayToObject requires an array of size 2 arrays, found array of size: ${item.length}`,
    );
  const [key, value] = item as [BsonValue, BsonValue];
  if (typeof key === "string") return [key, value];
  throw new CommandFault(
    40395,
    `$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: ${typeNameOf(key)}`,
  );
}

function pairOfDocument(item: BsonValue): [string, BsonValue] {
  if (!isDocument(item)) throw inconsistent(40391, "Object", item);
  if (item.size !== 2)
    throw new CommandFault(
      40392,
      `$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:${item.size}`,
    );
  const [key, value] = [item.get("k"), item.get("v")];
  if (key === undefined || value === undefined)
    throw new CommandFault(
      40393,
      "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys",
    );
  if (typeof key === "string") return [key, value];
  throw new CommandFault(
    40394,
    `$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. Found type: ${typeNameOf(key)}`,
  );
}

function objectToArray(value: Maybe): Maybe {
  if (isNullish(value)) return null;
  if (!isDocument(value))
    throw new CommandFault(40390, `$objectToArray requires a document input, found: ${typeNameOf(value)}`);
  return [...value].map(
    ([k, v]): BsonDocument =>
      new Map<string, BsonValue>([
        ["k", k],
        ["v", v],
      ]),
  );
}

/** `sortBy` is a pattern over documents, or a direction for whole elements. */
function elementOrder(
  sortBy: BsonValue,
  strings: Collation | undefined,
): (a: BsonValue, b: BsonValue) => number {
  if (isNumber(sortBy)) {
    const direction = toDouble(sortBy);
    if (direction !== 1 && direction !== -1)
      throw new CommandFault(2942507, "$sortArray's direction must be 1 or -1");
    return (a, b) => direction * compareMaybe(a, b, strings);
  }
  if (!isDocument(sortBy))
    throw new CommandFault(2942507, "$sortArray's sortBy must be a document or a direction");
  const sorter = compileSort(sortBy, strings);
  const asDocument = (item: BsonValue): BsonDocument => (isDocument(item) ? item : new Map());
  return (a, b) => sorter.compare(sorter.keyOf(asDocument(a)), sorter.keyOf(asDocument(b)));
}

const sortArray: Operator = (operand, context) => {
  const spec = namedArguments(operand, { name: "$sortArray", required: ["input", "sortBy"] });
  const input = context.compile(spec.get("input")!, context.scope);
  const order = elementOrder(spec.get("sortBy")!, context.scope.strings);
  return (root) => {
    const items = input(root);
    return isNullish(items) ? null : list(items, "$sortArray", 2942504).toSorted(order);
  };
};

type Choice = (items: BsonValue[], count: number, strings: Collation | undefined) => BsonValue[];

const manyOf = (name: string, choose: Choice): Operator =>
  named({ name, required: ["input", "n"] }, ({ input, n }, { scope }) => {
    const count = isNumber(n) ? toDouble(n) : Number.NaN;
    if (!Number.isInteger(count) || count < 1)
      throw new CommandFault(5787908, `'n' must be greater than 0 in ${name}`);
    if (!Array.isArray(input))
      throw new CommandFault(5788200, `${name} requires an array input, found: ${typeNameOf(input)}`);
    return choose(input, count, scope.strings);
  });

const present = (items: BsonValue[]): BsonValue[] => items.filter((item) => !isNullish(item));

/** Operators on arrays. */
export const arrayOperators: OperatorTable = {
  $arrayElemAt: binary("$arrayElemAt", elementAt),
  $first: edge("$first", 0),
  $last: edge("$last", -1),
  $concatArrays: variadic("$concatArrays", concatArrays),
  $in: isIn,
  $indexOfArray: (operand, context) =>
    variadic("$indexOfArray", (values) => indexOfArray(values, context.scope.strings), { least: 2, most: 4 })(
      operand,
      context,
    ),
  $isArray: unary("$isArray", (value) => Array.isArray(value)),
  $size: unary("$size", (value) => {
    if (Array.isArray(value)) return value.length;
    throw new CommandFault(
      17124,
      `The argument to $size must be an array, but was of type: ${typeNameOf(value)}`,
    );
  }),
  $slice: variadic("$slice", slice, { least: 2, most: 3 }),
  $reverseArray: unary("$reverseArray", (value) =>
    isNullish(value) ? null : list(value, "$reverseArray", 34435).toReversed(),
  ),
  $range: variadic("$range", range, { least: 2, most: 3 }),
  $zip: named(
    {
      name: "$zip",
      required: ["inputs"],
      optional: ["useLongestLength", "defaults"],
      codes: { shape: 34460, unknown: 34464, missing: 34465 },
    },
    zip,
  ),
  $arrayToObject: unary("$arrayToObject", arrayToObject),
  $objectToArray: unary("$objectToArray", objectToArray),
  $sortArray: sortArray,
  $firstN: manyOf("$firstN", (items, n) => items.slice(0, n)),
  $lastN: manyOf("$lastN", (items, n) => items.slice(-n)),
  $minN: manyOf("$minN", (items, n, strings) =>
    present(items)
      .sort((a, b) => compareMaybe(a, b, strings))
      .slice(0, n),
  ),
  $maxN: manyOf("$maxN", (items, n, strings) =>
    present(items)
      .sort((a, b) => compareMaybe(b, a, strings))
      .slice(0, n),
  ),
};

import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { typeNameOf } from "../bson/type-names.ts";
import type { BsonValue } from "../bson/values.ts";
import {
  binary,
  isNullish,
  type Maybe,
  type OperatorContext,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";

/** Elements by key: equal values of different numeric types are one element. */
const elements = (items: readonly BsonValue[]): Map<string, BsonValue> => {
  const found = new Map<string, BsonValue>();
  for (const item of items) {
    const key = indexKey([item], [1]);
    if (!found.has(key)) found.set(key, item);
  }
  return found;
};

function operandSet(value: Maybe, name: string, code: number): Map<string, BsonValue> {
  if (!Array.isArray(value))
    throw new CommandFault(
      code,
      `All operands of ${name} must be arrays. One argument is of type: ${typeNameOf(value)}`,
    );
  return elements(value);
}

const sorted = (set: ReadonlyMap<string, BsonValue>): BsonValue[] =>
  [...set.values()].sort((a, b) => compareValues(a, b));

function union(values: Maybe[]): Maybe {
  if (values.some(isNullish)) return null;
  const all = new Map<string, BsonValue>();
  for (const value of values)
    for (const [key, item] of operandSet(value, "$setUnion", 17043)) if (!all.has(key)) all.set(key, item);
  return sorted(all);
}

function intersection(values: Maybe[]): Maybe {
  if (values.some(isNullish)) return null;
  const [first = new Map<string, BsonValue>(), ...rest] = values.map((value) =>
    operandSet(value, "$setIntersection", 17047),
  );
  return sorted(new Map([...first].filter(([key]) => rest.every((set) => set.has(key)))));
}

function difference(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  const left = operandSet(a, "$setDifference", 17048);
  const right = operandSet(b, "$setDifference", 17049);
  return [...left].filter(([key]) => !right.has(key)).map(([, item]) => item);
}

function equal(values: Maybe[]): Maybe {
  const [first, ...rest] = values.map((value) => operandSet(value, "$setEquals", 17044));
  return rest.every((set) => set.size === first!.size && [...set.keys()].every((key) => first!.has(key)));
}

const quantifier = (
  name: string,
  code: number,
  holds: (items: BsonValue[], isTruthy: OperatorContext["isTruthy"]) => boolean,
) =>
  ((operand, context) =>
    unary(name, (items) => {
      if (!Array.isArray(items))
        throw new CommandFault(code, `${name}'s argument must be an array, but is ${typeNameOf(items)}`);
      return holds(items, context.isTruthy);
    })(operand, context)) satisfies OperatorTable[string];

/** Arrays as sets. */
export const setOperators: OperatorTable = {
  $setUnion: variadic("$setUnion", union),
  $setIntersection: variadic("$setIntersection", intersection),
  $setDifference: binary("$setDifference", difference),
  $setEquals: variadic("$setEquals", equal, { least: 2 }),
  $setIsSubset: binary("$setIsSubset", (a, b) => {
    const right = operandSet(b, "$setIsSubset", 17042);
    return [...operandSet(a, "$setIsSubset", 17046).keys()].every((key) => right.has(key));
  }),
  $allElementsTrue: quantifier("$allElementsTrue", 17040, (items, isTruthy) => items.every(isTruthy)),
  $anyElementTrue: quantifier("$anyElementTrue", 17041, (items, isTruthy) => items.some(isTruthy)),
};

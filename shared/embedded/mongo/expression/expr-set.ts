import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { typeNameOf } from "../bson/type-names.ts";
import type { BsonValue } from "../bson/values.ts";
import {
  isNullish,
  type Maybe,
  type Operator,
  type OperatorContext,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";
import { StringClasses } from "./string-classes.ts";

/** Builds the sets of one evaluation, keyed so that equal elements are one. */
class Sets {
  readonly #name: string;
  readonly #strings: Collation | undefined;
  readonly #classes: StringClasses | undefined;

  constructor(name: string, strings: Collation | undefined) {
    this.#name = name;
    this.#strings = strings;
    this.#classes = strings && new StringClasses(strings);
  }

  of(value: Maybe, code: number): Map<string, BsonValue> {
    if (!Array.isArray(value))
      throw new CommandFault(
        code,
        `All operands of ${this.#name} must be arrays. One argument is of type: ${typeNameOf(value)}`,
      );
    const found = new Map<string, BsonValue>();
    for (const item of value) {
      const key = indexKey([this.#classes ? this.#classes.represent(item) : item], [1]);
      if (!found.has(key)) found.set(key, item);
    }
    return found;
  }

  sorted(set: ReadonlyMap<string, BsonValue>): BsonValue[] {
    return [...set.values()].sort((a, b) => compareValues(a, b, this.#strings));
  }
}

/** An operator on sets, by the collation of its command. */
const onSets =
  (
    name: string,
    apply: (values: Maybe[], sets: Sets) => Maybe,
    arity: { least?: number; most?: number } = {},
  ): Operator =>
  (operand, context) =>
    variadic(name, (values) => apply(values, new Sets(name, context.scope.strings)), arity)(operand, context);

const TWO = { least: 2, most: 2 };

function union(values: Maybe[], sets: Sets): Maybe {
  if (values.some(isNullish)) return null;
  const all = new Map<string, BsonValue>();
  for (const value of values)
    for (const [key, item] of sets.of(value, 17043)) if (!all.has(key)) all.set(key, item);
  return sets.sorted(all);
}

function intersection(values: Maybe[], sets: Sets): Maybe {
  if (values.some(isNullish)) return null;
  const [first = new Map<string, BsonValue>(), ...rest] = values.map((value) => sets.of(value, 17047));
  return sets.sorted(new Map([...first].filter(([key]) => rest.every((set) => set.has(key)))));
}

function difference([a, b]: Maybe[], sets: Sets): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  const left = sets.of(a, 17048);
  const right = sets.of(b, 17049);
  return [...left].filter(([key]) => !right.has(key)).map(([, item]) => item);
}

function equal(values: Maybe[], sets: Sets): Maybe {
  const [first, ...rest] = values.map((value) => sets.of(value, 17044));
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
  $setUnion: onSets("$setUnion", union),
  $setIntersection: onSets("$setIntersection", intersection),
  $setDifference: onSets("$setDifference", difference, TWO),
  $setEquals: onSets("$setEquals", equal, { least: 2 }),
  $setIsSubset: onSets(
    "$setIsSubset",
    ([a, b], sets) => {
      const right = sets.of(b, 17042);
      return [...sets.of(a, 17046).keys()].every((key) => right.has(key));
    },
    TWO,
  ),
  $allElementsTrue: quantifier("$allElementsTrue", 17040, (items, isTruthy) => items.every(isTruthy)),
  $anyElementTrue: quantifier("$anyElementTrue", 17041, (items, isTruthy) => items.some(isTruthy)),
};

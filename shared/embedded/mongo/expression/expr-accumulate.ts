import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { type Accumulator, Average, StandardDeviation, Sum } from "./numeric-accumulators.ts";
import { compileArguments, isNullish, type Maybe, type Operator, type OperatorTable } from "./operator.ts";

/** The smallest or largest value; null and missing values are ignored. */
export class Extreme implements Accumulator {
  readonly #sign: 1 | -1;
  readonly #strings: Parameters<typeof compareValues>[2];
  #best: Maybe;
  constructor(sign: 1 | -1, strings?: Parameters<typeof compareValues>[2]) {
    this.#sign = sign;
    this.#strings = strings;
  }
  add(value: Maybe): void {
    if (isNullish(value)) return;
    if (this.#best === undefined || this.#sign * compareValues(value, this.#best, this.#strings) < 0)
      this.#best = value;
  }
  result(): Maybe {
    return this.#best ?? null;
  }
}

/** As expressions these take a list of arguments, or one argument that may be an array of values. */
const overValues = (name: string, create: (strings: Collation | undefined) => Accumulator): Operator => {
  return (operand, context) => {
    const parts = compileArguments(operand, context, { name, least: 0, most: Infinity });
    const single = parts.length === 1 ? parts[0] : undefined;
    return (root) => {
      const accumulator = create(context.scope.strings);
      if (single) {
        const value = single(root);
        if (Array.isArray(value)) for (const item of value) accumulator.add(item);
        else accumulator.add(value);
      } else for (const part of parts) accumulator.add(part(root));
      return accumulator.result();
    };
  };
};

/** Accumulators in their form as expressions. */
export const accumulatingOperators: OperatorTable = {
  $sum: overValues("$sum", () => new Sum()),
  $avg: overValues("$avg", () => new Average()),
  $min: overValues("$min", (strings) => new Extreme(1, strings)),
  $max: overValues("$max", (strings) => new Extreme(-1, strings)),
  $stdDevPop: overValues("$stdDevPop", () => new StandardDeviation(false)),
  $stdDevSamp: overValues("$stdDevSamp", () => new StandardDeviation(true)),
};

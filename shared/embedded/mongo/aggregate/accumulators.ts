import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { Extreme } from "../expression/expr-accumulate.ts";
import { compileExpression, evaluateConstant } from "../expression/expression.ts";
import { type Accumulator, Average, StandardDeviation, Sum } from "../expression/numeric-accumulators.ts";
import { isNullish, type Maybe } from "../expression/operator.ts";
import type { Expression, Scope } from "../expression/scope.ts";
import { StringClasses } from "../expression/string-classes.ts";
import { compileSort } from "../fields/sort.ts";

/** A compiled accumulator: its input from each document, and a new state for each group. */
export interface GroupField {
  readonly input: Expression;
  create(): Accumulator;
}

class Edge implements Accumulator {
  readonly #isFirst: boolean;
  #hasValue = false;
  #value: Maybe = null;
  constructor(isFirst: boolean) {
    this.#isFirst = isFirst;
  }
  add(value: Maybe): void {
    if (this.#isFirst && this.#hasValue) return;
    this.#hasValue = true;
    this.#value = value ?? null;
  }
  result(): Maybe {
    return this.#value;
  }
}

class Push implements Accumulator {
  readonly #values: BsonValue[] = [];
  add(value: Maybe): void {
    if (value !== undefined) this.#values.push(value);
  }
  result(): BsonValue {
    return this.#values;
  }
}

class AddToSet implements Accumulator {
  readonly #values = new Map<string, BsonValue>();
  readonly #classes: StringClasses | undefined;
  constructor(strings: Collation | undefined) {
    this.#classes = strings && new StringClasses(strings);
  }
  add(value: Maybe): void {
    if (value === undefined) return;
    const key = indexKey([this.#classes ? this.#classes.represent(value) : value], [1]);
    if (!this.#values.has(key)) this.#values.set(key, value);
  }
  result(): BsonValue {
    return [...this.#values.values()];
  }
}

class MergeObjects implements Accumulator {
  readonly #merged: BsonDocument = new Map();
  add(value: Maybe): void {
    if (isNullish(value)) return;
    if (!isDocument(value))
      throw new CommandFault(
        40400,
        `$mergeObjects requires object inputs, but input is of type ${typeNameOf(value)}`,
      );
    for (const [name, field] of value) this.#merged.set(name, field);
  }
  result(): BsonValue {
    return this.#merged;
  }
}

type Order = (a: BsonValue, b: BsonValue) => number;

/** Keeps the first `count` values in an order; equal values stay in the order of input. */
class Ranked implements Accumulator {
  readonly #count: number;
  readonly #order: Order;
  readonly #finish: (values: BsonValue[]) => Maybe;
  #values: BsonValue[] = [];
  constructor(count: number, order: Order, finish: (values: BsonValue[]) => Maybe) {
    this.#count = count;
    this.#order = order;
    this.#finish = finish;
  }
  #cut(): void {
    this.#values = this.#values.sort(this.#order).slice(0, this.#count);
  }
  add(value: Maybe): void {
    if (value === undefined) return;
    this.#values.push(value);
    if (this.#values.length >= this.#count * 2 + 64) this.#cut();
  }
  result(): Maybe {
    this.#cut();
    return this.#finish(this.#values);
  }
}

function countOf(name: string, spec: BsonDocument, scope: Scope): number {
  const value = spec.has("n") ? evaluateConstant(spec.get("n")!, scope) : undefined;
  const count = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(count) || count < 1)
    throw new CommandFault(5787908, `'n' must be greater than 0 in ${name}`);
  return count;
}

function documentOperand(name: string, operand: BsonValue, code: number): BsonDocument {
  if (isDocument(operand)) return operand;
  throw new CommandFault(code, `specification must be an object; found ${name}: ${typeNameOf(operand)}`);
}

/** `$firstN`, `$lastN`, `$minN`, `$maxN`: `{ input, n }`. */
function several(name: string, operand: BsonValue, scope: Scope): GroupField {
  const spec = documentOperand(name, operand, 5787900);
  if (!spec.has("input")) throw new CommandFault(5787907, `${name} requires an 'input' field`);
  const count = countOf(name, spec, scope);
  const value = compileExpression(spec.get("input")!, scope);
  const sign = name === "$maxN" ? -1 : 1;
  if (name === "$minN" || name === "$maxN") {
    const order: Order = (a, b) => sign * compareValues(a, b, scope.strings);
    return {
      input: (root) => value(root) ?? undefined,
      create: () => new Ranked(count, order, (values) => values.filter((item) => !isNullish(item))),
    };
  }
  return { input: (root) => value(root) ?? null, create: () => new Window(count, name === "$firstN") };
}

class Window implements Accumulator {
  readonly #count: number;
  readonly #isFirst: boolean;
  #values: BsonValue[] = [];
  constructor(count: number, isFirst: boolean) {
    this.#count = count;
    this.#isFirst = isFirst;
  }
  add(value: Maybe): void {
    if (this.#isFirst && this.#values.length >= this.#count) return;
    this.#values.push(value ?? null);
    if (this.#values.length > this.#count * 2 + 64) this.#values = this.#values.slice(-this.#count);
  }
  result(): BsonValue {
    return this.#isFirst ? this.#values : this.#values.slice(-this.#count);
  }
}

/** `$top`, `$bottom` and their `N` forms: `{ sortBy, output, n }`. The input is a pair of document and output. */
function ranked(name: string, operand: BsonValue, scope: Scope): GroupField {
  const spec = documentOperand(name, operand, 5788001);
  const sortBy = spec.get("sortBy");
  if (!isDocument(sortBy)) throw new CommandFault(5788005, `Missing value for 'sortBy' in ${name}`);
  if (!spec.has("output")) throw new CommandFault(5788004, `Missing value for 'output' in ${name}`);
  const isMany = name.endsWith("N");
  const isBottom = name.startsWith("$bottom");
  const count = isMany ? countOf(name, spec, scope) : 1;
  const sorter = compileSort(sortBy, scope.strings);
  const output = compileExpression(spec.get("output")!, scope);
  // Bottom values are kept in reverse order.
  const order: Order = (a, b) => {
    const result = sorter.compare(
      sorter.keyOf((a as BsonValue[])[0] as BsonDocument),
      sorter.keyOf((b as BsonValue[])[0] as BsonDocument),
    );
    return isBottom ? -result : result;
  };
  const finish = (values: BsonValue[]): Maybe => {
    const outputs = values.map((pair) => (pair as BsonValue[])[1]!);
    if (!isMany) return outputs[0] ?? null;
    return isBottom ? outputs.reverse() : outputs;
  };
  return {
    input: (root) => [root as BsonDocument, output(root) ?? null],
    create: () => new Ranked(count, order, finish),
  };
}

const CREATORS: Readonly<Record<string, (scope: Scope) => Accumulator>> = {
  $sum: () => new Sum(),
  $avg: () => new Average(),
  $min: ({ strings }) => new Extreme(1, strings),
  $max: ({ strings }) => new Extreme(-1, strings),
  $first: () => new Edge(true),
  $last: () => new Edge(false),
  $push: () => new Push(),
  $addToSet: ({ strings }) => new AddToSet(strings),
  $mergeObjects: () => new MergeObjects(),
  $stdDevPop: () => new StandardDeviation(false),
  $stdDevSamp: () => new StandardDeviation(true),
};

const SEVERAL = new Set(["$firstN", "$lastN", "$minN", "$maxN"]);
const RANKED = new Set(["$top", "$topN", "$bottom", "$bottomN"]);
const REFUSED = new Set(["$accumulator", "$median", "$percentile"]);

/**
 * Compiles one accumulated field of a group.
 *
 * @throws CommandFault 15952 for an unknown accumulator, 115 for one that only a real server supports
 */
export function compileAccumulator(name: string, operand: BsonValue, scope: Scope): GroupField {
  if (name === "$count") {
    if (!isDocument(operand) || operand.size > 0)
      throw new CommandFault(14, "$count takes no arguments, i.e. $count:{}");
    return { input: () => 1, create: () => new Sum() };
  }
  if (SEVERAL.has(name)) return several(name, operand, scope);
  if (RANKED.has(name)) return ranked(name, operand, scope);
  if (REFUSED.has(name)) throw unsupported(`The accumulator ${name}`);
  const creator = Object.hasOwn(CREATORS, name) ? CREATORS[name] : undefined;
  if (!creator) throw new CommandFault(15952, `unknown group operator '${name}'`);
  if (Array.isArray(operand) && operand.length !== 1)
    throw new CommandFault(40237, `The ${name} accumulator is a unary operator`);
  return {
    input: compileExpression(Array.isArray(operand) ? operand[0]! : operand, scope),
    create: () => creator(scope),
  };
}

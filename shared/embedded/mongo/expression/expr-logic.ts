import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonValue, isDocument } from "../bson/values.ts";
import {
  compileArguments,
  isNullish,
  type Maybe,
  namedArguments,
  type Operator,
  type OperatorContext,
  type OperatorTable,
} from "./operator.ts";

/** Missing values sort below everything, null included. */
export function compareMaybe(a: Maybe, b: Maybe, strings?: OperatorContext["scope"]["strings"]): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  return compareValues(a, b, strings);
}

const comparison = (name: string, result: (order: number) => BsonValue): Operator => {
  return (operand, context) => {
    const [left, right] = compileArguments(operand, context, { name, least: 2, most: 2 });
    const { strings } = context.scope;
    return (root) => result(compareMaybe(left!(root), right!(root), strings));
  };
};

const and: Operator = (operand, context) => {
  const parts = compileArguments(operand, context, { name: "$and", least: 0, most: Infinity });
  return (root) => parts.every((part) => context.isTruthy(part(root)));
};

const or: Operator = (operand, context) => {
  const parts = compileArguments(operand, context, { name: "$or", least: 0, most: Infinity });
  return (root) => parts.some((part) => context.isTruthy(part(root)));
};

const not: Operator = (operand, context) => {
  const [part] = compileArguments(operand, context, { name: "$not", least: 1, most: 1 });
  return (root) => !context.isTruthy(part!(root));
};

const COND_CODES = { shape: 17080, unknown: 17083, missing: 17080 };

const cond: Operator = (operand, context) => {
  const spec = Array.isArray(operand)
    ? operand
    : ["if", "then", "else"].map(
        (field) =>
          namedArguments(operand, { name: "$cond", required: ["if", "then", "else"], codes: COND_CODES }).get(
            field,
          )!,
      );
  const [test, yes, no] = compileArguments(spec, context, { name: "$cond", least: 3, most: 3 });
  return (root) => (context.isTruthy(test!(root)) ? yes!(root) : no!(root));
};

const ifNull: Operator = (operand, context) => {
  if (!Array.isArray(operand) || operand.length < 2) {
    throw new CommandFault(
      1257300,
      `$ifNull needs at least two arguments, had: ${Array.isArray(operand) ? operand.length : 1}`,
    );
  }
  const parts = operand.map((spec) => context.compile(spec, context.scope));
  return (root) => {
    let value: Maybe;
    for (const part of parts) {
      value = part(root);
      if (!isNullish(value)) return value;
    }
    return value;
  };
};

function switchBranch(branch: BsonValue, context: OperatorContext) {
  if (!isDocument(branch)) throw new CommandFault(40062, "$switch expected each branch to be an object");
  for (const name of branch.keys()) {
    if (name !== "case" && name !== "then")
      throw new CommandFault(40063, `$switch found an unknown argument to a branch: ${name}`);
  }
  const test = branch.get("case");
  const then = branch.get("then");
  if (test === undefined)
    throw new CommandFault(40064, "$switch requires each branch have a 'case' expression");
  if (then === undefined)
    throw new CommandFault(40065, "$switch requires each branch have a 'then' expression.");
  return { test: context.compile(test, context.scope), result: context.compile(then, context.scope) };
}

const switchOperator: Operator = (operand, context) => {
  if (!isDocument(operand)) throw new CommandFault(40060, "$switch requires an object as an argument");
  for (const name of operand.keys()) {
    if (name !== "branches" && name !== "default")
      throw new CommandFault(40067, `$switch found an unknown argument: ${name}`);
  }
  const specs = operand.get("branches");
  if (!Array.isArray(specs)) throw new CommandFault(40061, "$switch expected an array for 'branches'");
  if (specs.length === 0) throw new CommandFault(40068, "$switch requires at least one branch.");
  const branches = specs.map((branch) => switchBranch(branch, context));
  const otherwise = operand.has("default")
    ? context.compile(operand.get("default")!, context.scope)
    : undefined;
  return (root) => {
    for (const { test, result } of branches) if (context.isTruthy(test(root))) return result(root);
    if (otherwise) return otherwise(root);
    throw new CommandFault(
      40066,
      "$switch could not find a matching branch for an input, and no default was specified.",
    );
  };
};

/** Comparison, boolean and conditional operators. */
export const logicOperators: OperatorTable = {
  $eq: comparison("$eq", (order) => order === 0),
  $ne: comparison("$ne", (order) => order !== 0),
  $gt: comparison("$gt", (order) => order > 0),
  $gte: comparison("$gte", (order) => order >= 0),
  $lt: comparison("$lt", (order) => order < 0),
  $lte: comparison("$lte", (order) => order <= 0),
  $cmp: comparison("$cmp", (order) => Math.sign(order)),
  $and: and,
  $or: or,
  $not: not,
  $cond: cond,
  $ifNull: ifNull,
  $switch: switchOperator,
};

import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, BsonUndefined, type BsonValue, isDocument } from "../bson/values.ts";
import type { Expression, Scope } from "./scope.ts";

/** What an operator needs to compile its operands. */
export interface OperatorContext {
  readonly scope: Scope;
  compile(spec: BsonValue, scope: Scope): Expression;
  isTruthy(value: BsonValue | undefined): boolean;
}

export type Operator = (operand: BsonValue, context: OperatorContext) => Expression;
export type OperatorTable = Readonly<Record<string, Operator>>;

/** A value or nothing, as operands arrive. */
export type Maybe = BsonValue | undefined;

export const isNullish = (value: Maybe): value is null | undefined | BsonUndefined =>
  value === undefined || value === null || value instanceof BsonUndefined;

/** How many arguments an operator takes. */
interface Arity {
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

function checkCount(count: number, { name, least, most }: Arity): void {
  if (count >= least && count <= most) return;
  const wanted =
    least === most ? `exactly ${least} arguments` : `at least ${least} arguments, and at most ${most}`;
  const code = least === most ? 16020 : 28667;
  throw new CommandFault(code, `Expression ${name} takes ${wanted}. ${count} were passed in.`);
}

/** Compiles an operand that is a list of arguments, or the only argument itself. */
export function compileArguments(operand: BsonValue, context: OperatorContext, arity: Arity): Expression[] {
  const specs = Array.isArray(operand) ? operand : [operand];
  checkCount(specs.length, arity);
  return specs.map((spec) => context.compile(spec, context.scope));
}

export const unary = (name: string, apply: (value: Maybe) => Maybe): Operator => {
  return (operand, context) => {
    const [argument] = compileArguments(operand, context, { name, least: 1, most: 1 });
    return (root) => apply(argument!(root));
  };
};

export const binary = (name: string, apply: (a: Maybe, b: Maybe) => Maybe): Operator => {
  return (operand, context) => {
    const [left, right] = compileArguments(operand, context, { name, least: 2, most: 2 });
    return (root) => apply(left!(root), right!(root));
  };
};

/** An operator with `least` to `most` arguments, all evaluated before it is applied. */
export const variadic = (
  name: string,
  apply: (values: Maybe[]) => Maybe,
  { least = 0, most = Infinity }: { least?: number; most?: number } = {},
): Operator => {
  return (operand, context) => {
    const parts = compileArguments(operand, context, { name, least, most });
    return (root) => apply(parts.map((part) => part(root)));
  };
};

/** The required and the optional arguments of an operator with named arguments. */
export interface NamedArguments {
  readonly name: string;
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** Codes for an operand that is not a document, an unknown argument and a missing argument. */
  readonly codes?: { readonly shape: number; readonly unknown: number; readonly missing: number };
}

const DEFAULT_CODES = { shape: 9, unknown: 9, missing: 9 };

/** Checks the operand of an operator with named arguments. */
export function namedArguments(operand: BsonValue, spec: NamedArguments): BsonDocument {
  const { name, required, optional = [], codes = DEFAULT_CODES } = spec;
  if (!isDocument(operand)) {
    throw new CommandFault(
      codes.shape,
      `${name} only supports an object as its argument, found ${typeNameOf(operand)}`,
    );
  }
  for (const field of operand.keys()) {
    if (!required.includes(field) && !optional.includes(field)) {
      throw new CommandFault(codes.unknown, `Unrecognized argument to ${name}: ${field}`);
    }
  }
  for (const field of required) {
    if (!operand.has(field)) throw new CommandFault(codes.missing, `Missing '${field}' parameter to ${name}`);
  }
  return operand;
}

/** An operator with named arguments, all evaluated before it is applied; absent ones are undefined. */
export const named = (
  spec: NamedArguments,
  apply: (values: Readonly<Record<string, Maybe>>, context: OperatorContext) => Maybe,
): Operator => {
  return (operand, context) => {
    const given = namedArguments(operand, spec);
    const parts = [...given].map(([field, value]) => [field, context.compile(value, context.scope)] as const);
    return (root) => {
      const values: Record<string, Maybe> = {};
      for (const [field, part] of parts) values[field] = part(root);
      return apply(values, context);
    };
  };
};

import { CommandFault, unsupported } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, BsonUndefined, type BsonValue } from "../bson/values.ts";
import { requireFieldPath } from "../fields/field-path.ts";
import { accumulatingOperators } from "./expr-accumulate.ts";
import { arithmeticOperators } from "./expr-arithmetic.ts";
import { arrayOperators } from "./expr-array.ts";
import { bindingOperators } from "./expr-binding.ts";
import { conversionOperators } from "./expr-convert.ts";
import { dateOperators } from "./expr-date.ts";
import { datePartOperators } from "./expr-date-parts.ts";
import { logicOperators } from "./expr-logic.ts";
import { mathOperators } from "./expr-math.ts";
import { objectOperators } from "./expr-object.ts";
import { regexOperators } from "./expr-regex.ts";
import { setOperators } from "./expr-set.ts";
import { stringOperators } from "./expr-string.ts";
import type { OperatorTable } from "./operator.ts";
import { type Expression, Scope } from "./scope.ts";

const OPERATORS: ReadonlyMap<string, OperatorTable[string]> = new Map(
  [
    accumulatingOperators,
    arithmeticOperators,
    arrayOperators,
    bindingOperators,
    conversionOperators,
    dateOperators,
    datePartOperators,
    logicOperators,
    mathOperators,
    objectOperators,
    regexOperators,
    setOperators,
    stringOperators,
  ].flatMap((table) => Object.entries(table)),
);

const UNSUPPORTED = new Set([
  "$function",
  "$accumulator",
  "$meta",
  "$toHashedIndexKey",
  "$sampleRate",
  "$median",
  "$percentile",
]);

/** Truth in expressions: everything except false, zero, null and missing values. */
export const isTruthy = (value: BsonValue | undefined): boolean => {
  if (value === undefined || value === null || value === false || value instanceof BsonUndefined)
    return false;
  return !(isNumber(value) && toDouble(value) === 0);
};

/** Follows field names. An array contributes the array of the values in its documents. */
function fieldValue(
  value: BsonValue | undefined,
  parts: readonly string[],
  at: number,
): BsonValue | undefined {
  if (at === parts.length) return value;
  if (value instanceof Map) return fieldValue(value.get(parts[at]!), parts, at + 1);
  if (!Array.isArray(value)) return undefined;
  const found: BsonValue[] = [];
  for (const item of value) {
    // Arrays directly inside arrays are skipped.
    const inner = item instanceof Map ? fieldValue(item, parts, at) : undefined;
    if (inner !== undefined) found.push(inner);
  }
  return found;
}

function checkedParts(path: string): string[] {
  if (path === "") throw new CommandFault(16872, "'$' by itself is not a valid FieldPath");
  requireFieldPath(path);
  return path.split(".");
}

function compileFieldPath(path: string): Expression {
  const parts = checkedParts(path);
  const [first] = parts;
  if (parts.length === 1) return (root) => root.get(first!);
  return (root) => fieldValue(root.get(first!), parts, 1);
}

const SYSTEM_VARIABLES = new Set(["CLUSTER_TIME", "USER_ROLES", "SEARCH_META", "JS_SCOPE", "IS_MR"]);

function compileVariable(text: string, scope: Scope): Expression {
  const [name = "", ...rest] = text.split(".");
  const parts = rest.length > 0 ? checkedParts(rest.join(".")) : rest;
  const variable = scope.find(name);
  if (variable) return () => fieldValue(variable.value, parts, 0);
  if (name === "ROOT" || name === "CURRENT") return (root) => fieldValue(root as BsonDocument, parts, 0);
  if (name === "REMOVE") return () => undefined;
  if (name === "NOW") return () => fieldValue(scope.now, parts, 0);
  if (SYSTEM_VARIABLES.has(name)) throw unsupported(`The variable $$${name}`);
  throw new CommandFault(17276, `Use of undefined variable: ${name}`);
}

function compileDocument(doc: BsonDocument, scope: Scope): Expression {
  const fields: [string, Expression][] = [];
  for (const [name, value] of doc) {
    if (name.startsWith("$")) {
      throw new CommandFault(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
      );
    }
    if (name.includes("."))
      throw new CommandFault(
        16412,
        "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
      );
    fields.push([name, compileExpression(value, scope)]);
  }
  return (root) => {
    const result: BsonDocument = new Map();
    for (const [name, expression] of fields) {
      const value = expression(root);
      if (value !== undefined) result.set(name, value);
    }
    return result;
  };
}

function compileOperator(name: string, doc: BsonDocument, scope: Scope): Expression {
  if (doc.size !== 1) {
    throw new CommandFault(
      15983,
      `an expression specification must contain exactly one field, the name of the expression. Found ${doc.size} fields`,
    );
  }
  const operator = OPERATORS.get(name);
  if (operator) return operator(doc.get(name)!, { scope, compile: compileExpression, isTruthy });
  if (UNSUPPORTED.has(name)) throw unsupported(`The expression ${name}`);
  throw new CommandFault(168, `Unrecognized expression '${name}'`);
}

/**
 * Compiles an aggregation expression.
 *
 * @throws CommandFault 168 for an unknown operator, 17276 for an unknown variable, 16020 for a wrong number of
 *   arguments, 115 for operators that only a real server has
 */
export function compileExpression(spec: BsonValue, scope: Scope): Expression {
  if (typeof spec === "string") {
    if (spec.startsWith("$$")) return compileVariable(spec.slice(2), scope);
    if (spec.startsWith("$")) return compileFieldPath(spec.slice(1));
    return () => spec;
  }
  if (Array.isArray(spec)) {
    const items = spec.map((item) => compileExpression(item, scope));
    return (root) => items.map((item) => item(root) ?? null);
  }
  if (!(spec instanceof Map)) return () => spec;
  const first = spec.keys().next();
  if (!first.done && first.value.startsWith("$")) return compileOperator(first.value, spec, scope);
  return compileDocument(spec, scope);
}

const NO_DOCUMENT: BsonDocument = new Map();

/** Evaluates an expression without fields; undefined for a missing value. */
export const evaluateConstant = (spec: BsonValue, scope: Scope): BsonValue | undefined =>
  compileExpression(spec, scope)(NO_DOCUMENT);

/** Creates the scope of a command: its instant and the variables of its `let`. */
export function commandScope(
  context: { letVariables?: BsonDocument; now?: Scope["now"]; strings?: Scope["strings"] } = {},
): Scope {
  const scope = new Scope({
    ...(context.now && { now: context.now }),
    ...(context.strings && { strings: context.strings }),
  });
  for (const [name, value] of context.letVariables ?? []) {
    if (!/^[a-z\u0080-\uffff]/.test(name)) {
      throw new CommandFault(16866, `'${name}' starts with an invalid character for a user variable name`);
    }
    scope.declare(name, evaluateConstant(value, scope));
  }
  return scope;
}

import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonValue, isDocument } from "../bson/values.ts";
import { isNullish, namedArguments, type Operator, type OperatorTable } from "./operator.ts";

function checkVariableName(name: string): void {
  if (/^[a-z\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/.test(name) || name === "CURRENT") return;
  throw new CommandFault(
    16867,
    `'${name}' contains an invalid character for a variable name, or does not start with a lower-case letter`,
  );
}

function checkedName(given: BsonValue | undefined, fallback: string): string {
  if (given === undefined) return fallback;
  if (typeof given !== "string") throw new CommandFault(16866, "a variable name must be a string");
  checkVariableName(given);
  return given;
}

const LET_CODES = { shape: 16874, unknown: 16875, missing: 16876 };

const letOperator: Operator = (operand, context) => {
  const spec = namedArguments(operand, { name: "$let", required: ["vars", "in"], codes: LET_CODES });
  const vars = spec.get("vars")!;
  if (!isDocument(vars)) throw new CommandFault(10065, `invalid parameter: expected an object (vars)`);
  const scope = context.scope.inner();
  const bindings = [...vars].map(([name, value]) => {
    checkVariableName(name);
    return { variable: scope.declare(name), value: context.compile(value, context.scope) };
  });
  const body = context.compile(spec.get("in")!, scope);
  return (root) => {
    const values = bindings.map(({ value }) => value(root));
    bindings.forEach(({ variable }, index) => {
      variable.value = values[index];
    });
    return body(root);
  };
};

function inputArray(value: BsonValue | undefined, name: string, code: number): BsonValue[] | null {
  if (isNullish(value)) return null;
  if (Array.isArray(value)) return value;
  throw new CommandFault(code, `input to ${name} must be an array not ${typeNameOf(value)}`);
}

const map: Operator = (operand, context) => {
  const codes = { shape: 16878, unknown: 16879, missing: 16880 };
  const spec = namedArguments(operand, { name: "$map", required: ["input", "in"], optional: ["as"], codes });
  const input = context.compile(spec.get("input")!, context.scope);
  const scope = context.scope.inner();
  const element = scope.declare(checkedName(spec.get("as"), "this"));
  const body = context.compile(spec.get("in")!, scope);
  return (root) => {
    const items = inputArray(input(root), "$map", 16883);
    if (!items) return null;
    return items.map((item) => {
      element.value = item;
      return body(root) ?? null;
    });
  };
};

const filter: Operator = (operand, context) => {
  const codes = { shape: 28646, unknown: 28647, missing: 28648 };
  const spec = namedArguments(operand, {
    name: "$filter",
    required: ["input", "cond"],
    optional: ["as", "limit"],
    codes,
  });
  const input = context.compile(spec.get("input")!, context.scope);
  const limit = spec.has("limit") ? context.compile(spec.get("limit")!, context.scope) : undefined;
  const scope = context.scope.inner();
  const element = scope.declare(checkedName(spec.get("as"), "this"));
  const condition = context.compile(spec.get("cond")!, scope);
  return (root) => {
    const items = inputArray(input(root), "$filter", 28651);
    if (!items) return null;
    const most = filterLimit(limit?.(root));
    const kept: BsonValue[] = [];
    for (const item of items) {
      if (kept.length >= most) break;
      element.value = item;
      if (context.isTruthy(condition(root))) kept.push(item);
    }
    return kept;
  };
};

function filterLimit(value: BsonValue | undefined): number {
  if (isNullish(value)) return Infinity;
  const limit = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(limit) || limit <= 0)
    throw new CommandFault(
      327392,
      "$filter: limit must be represented as a 32-bit integral value greater than 0",
    );
  return limit;
}

const reduce: Operator = (operand, context) => {
  const codes = { shape: 40075, unknown: 40076, missing: 40077 };
  const spec = namedArguments(operand, { name: "$reduce", required: ["input", "initialValue", "in"], codes });
  const input = context.compile(spec.get("input")!, context.scope);
  const initial = context.compile(spec.get("initialValue")!, context.scope);
  const scope = context.scope.inner();
  const element = scope.declare("this");
  const accumulated = scope.declare("value");
  const body = context.compile(spec.get("in")!, scope);
  return (root) => {
    const items = inputArray(input(root), "$reduce", 40080);
    if (!items) return null;
    let value = initial(root);
    for (const item of items) {
      element.value = item;
      accumulated.value = value;
      value = body(root);
    }
    return value;
  };
};

/** Operators that bind variables. */
export const bindingOperators: OperatorTable = {
  $let: letOperator,
  $map: map,
  $filter: filter,
  $reduce: reduce,
};

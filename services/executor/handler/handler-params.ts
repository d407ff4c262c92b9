import {
  ContractViolation,
  compileCheck,
  type Fields,
  type Rule,
} from "../../../shared/contracts/contract.ts";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import { isJsonObject } from "../../../shared/contracts/json-object.ts";
import { AppError } from "../../../shared/errors.ts";
import { describeRule, expandRule, plainRule } from "./describe-rule.ts";

/** Params that violate a handler's schema or rules. */
export class HandlerParamsInvalid extends AppError {
  constructor(handler: string, paramFault: ParamFault) {
    const { field, fault, expected } = paramFault;
    super(`${field || "params"} ${fault}; expected ${expected}`, {
      type: "HANDLER_PARAMS_INVALID",
      data: { handler, ...paramFault, field: field === "" ? "params" : `params.${field}` },
    });
  }
}

/**
 * Compiles a schema into a check that returns the first fault. Undeclared fields are rejected at any depth; null for an
 * optional field means that it is omitted, see `withoutNullsOf`.
 */
export function paramsChecker(fields: Fields): (params: unknown) => ParamFault | undefined {
  const whole: Rule = { type: "object", props: fields };
  const check = compileCheck("params", closed(fields));
  const withoutNulls = withoutNullsOf(fields);
  return (params) => {
    if (!isJsonObject(params)) return { field: "", ...kindFault(params), ...wanted(whole) };
    try {
      check(withoutNulls(params));
      return undefined;
    } catch (error) {
      if (!(error instanceof ContractViolation)) throw error;
      return unknownField(params, whole, "") ?? explain(error, params, whole);
    }
  };
}

/**
 * Returns a function that removes optional fields that are null: clients of the Python original send null for omitted
 * fields. A field that may be anything, or null, stays: `json: null` is a value to send.
 */
export function withoutNullsOf(fields: Fields): <P>(params: P) => P {
  const names = Object.entries(fields).flatMap(([name, rule]) => {
    const { optional, nullable, type } = expandRule(rule);
    return optional && !nullable && type !== "any" ? [name] : [];
  });
  return (params) => {
    const values = params as Record<string, unknown>;
    if (!names.some((name) => values[name] === null)) return params;
    const given = { ...values };
    for (const name of names) if (given[name] === null) delete given[name];
    return given as typeof params;
  };
}

/** Returns the same rules with every nested object closed to undeclared fields. */
function closed(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, closedRule(rule)]));
}
function closedRule(rule: Rule): Rule {
  if (typeof rule === "string") return rule;
  if (rule.type === "object" && "props" in rule) return { ...rule, strict: true, props: closed(rule.props) };
  if (rule.type === "array" && "items" in rule) return { ...rule, items: closedRule(rule.items) };
  return rule;
}

function unknownField(value: unknown, rule: Rule, path: string): ParamFault | undefined {
  const expanded = expandRule(rule);
  if ("props" in expanded && isJsonObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const known = Object.hasOwn(expanded.props, name) ? expanded.props[name] : undefined;
      const field = path === "" ? name : `${path}.${name}`;
      if (known === undefined)
        return { field: cut(field), reason: "UNKNOWN_FIELD", fault: "is unknown", ...wanted(rule) };
      const fault = unknownField(inner, known, field);
      if (fault) return fault;
    }
  }
  if ("items" in expanded && Array.isArray(value)) {
    for (const [index, inner] of value.entries()) {
      const fault = unknownField(inner, expanded.items, `${path}[${index}]`);
      if (fault) return fault;
    }
  }
  return undefined;
}

interface Violation {
  readonly field: string;
  readonly type: string;
}

function explain(violation: ContractViolation, params: unknown, whole: Rule): ParamFault {
  const { field, type } = (violation.data as readonly Violation[])[0] ?? { field: "", type: "" };
  let value: unknown = params;
  let rule: Rule | undefined = whole;
  for (const part of field.match(/[^.[\]]+/g) ?? []) {
    value = (value as Record<string, unknown> | undefined)?.[part];
    const expanded: ReturnType<typeof expandRule> | undefined = rule && expandRule(rule);
    if (expanded && "props" in expanded) rule = expanded.props[part];
    else rule = expanded && "items" in expanded ? expanded.items : undefined;
  }
  const expectation = rule === undefined ? { expected: "what the handler declares" } : wanted(rule);
  return { field, ...faultOf(type, value), ...expectation };
}

type Wrong = Pick<ParamFault, "reason" | "fault">;

/** Faults by the validator's name for them. */
const faults: Readonly<Record<string, Wrong>> = {
  required: { reason: "MISSING", fault: "is missing" },
  stringEmpty: { reason: "EMPTY", fault: "is empty" },
  stringMin: { reason: "TOO_SHORT", fault: "is too short" },
  stringMax: { reason: "TOO_LONG", fault: "is too long" },
  stringPattern: { reason: "WRONG_FORM", fault: "has the wrong form" },
  numberMin: { reason: "TOO_SMALL", fault: "is too small" },
  numberMax: { reason: "TOO_LARGE", fault: "is too large" },
  numberInteger: { reason: "HAS_FRACTION", fault: "has a fraction" },
  arrayMax: { reason: "TOO_MANY_ITEMS", fault: "has too many items" },
  enumValue: { reason: "NOT_ALLOWED", fault: "is none of the values allowed" },
};

function faultOf(type: string, value: unknown): Wrong {
  if (type === "required" && value === null) return kindFault(null);
  return faults[type] ?? kindFault(value);
}

function kindFault(value: unknown): Wrong {
  if (value === null) return { reason: "NULL", fault: "is null" };
  if (value === undefined) return { reason: "MISSING", fault: "is missing" };
  if (typeof value === "number" && !Number.isFinite(value))
    return { reason: "NOT_FINITE", fault: "is not a finite number" };
  if (Array.isArray(value)) return { reason: "WRONG_KIND", fault: "is an array" };
  return {
    reason: "WRONG_KIND",
    fault: typeof value === "object" ? "is an object" : `is a ${typeof value}`,
  };
}

function wanted(rule: Rule): Pick<ParamFault, "expected" | "rule"> {
  return { expected: describeRule(rule), rule: plainRule(rule) };
}

const cut = (name: string) => (name.length > 100 ? `${name.slice(0, 100)}…` : name);

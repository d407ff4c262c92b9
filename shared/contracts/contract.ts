import FastestValidator from "fastest-validator";
import { AppError } from "../errors.ts";

const Validator = FastestValidator as unknown as typeof FastestValidator.default;

/** Field kinds of ours that fastest-validator lacks; the broker's own validator is given the same table. */
export const aliases = {
  /** ISO-8601 in UTC with milliseconds, the only form of an instant in events and calls. */
  instant: { type: "string", pattern: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/ },
  /** An ObjectId as 24 lower-case hexadecimal digits. */
  id: { type: "string", pattern: /^[0-9a-f]{24}$/ },
};

/** Each scalar kind a contract may use, and its static type. */
interface Scalars {
  string: string;
  number: number;
  boolean: boolean;
  instant: string;
  id: string;
  uuid: string;
  any: unknown;
}
type Kind = keyof Scalars;
/** A kind with its presence: `id`, `id|optional`. Everything else needs a rule. */
type Shorthand = Kind | `${Kind}|${keyof Presence}` | `${Kind}|optional|nullable`;
interface Presence {
  readonly optional?: true;
  readonly nullable?: true;
}
interface ScalarRule extends Presence {
  readonly type: Kind;
  readonly min?: number;
  readonly max?: number;
  readonly integer?: true;
  /** Filled in where a call leaves the field out, as calls of ours do not: their types require it. */
  readonly default?: number;
  readonly pattern?: RegExp;
}
interface EnumRule extends Presence {
  readonly type: "enum";
  readonly values: readonly string[];
}
interface ObjectRule extends Presence {
  readonly type: "object";
  readonly strict?: true;
  readonly props: Fields;
}
interface ArrayRule extends Presence {
  readonly type: "array";
  readonly max?: number;
  readonly items: Rule;
}
/** Free-form JSON object, such as the params of a task. */
interface RecordRule extends Presence {
  readonly type: "record";
}
export type Rule = Shorthand | ScalarRule | EnumRule | ObjectRule | ArrayRule | RecordRule;
/** A schema: field names and their rules, in fastest-validator's own form. */
export type Fields = Readonly<{ [name: string]: Rule }>;

/** The options that a rule of one type has. */
interface OptionsOf {
  string: "min" | "max" | "pattern";
  number: "min" | "max" | "integer" | "default";
  enum: "values";
  object: "strict" | "props";
  array: "max" | "items";
}
type Option<T> = "type" | keyof Presence | (T extends keyof OptionsOf ? OptionsOf[T] : never);

/**
 * A schema whose rules have no option that their type does not know: a misspelt one would be ignored at run time, and
 * the check would not be made.
 */
export type Checked<F> = { readonly [K in keyof F]: CheckedRule<F[K]> };
type CheckedRule<R> = R extends string
  ? R
  : R extends { readonly type: infer T }
    ? {
        readonly [O in keyof R]: O extends Option<T>
          ? O extends "props"
            ? Checked<R[O]>
            : O extends "items"
              ? CheckedRule<R[O]>
              : R[O]
          : never;
      }
    : never;

type KindOf<S extends string> = S extends `${infer K}|${string}` ? K : S;
type Bare<R> = R extends string
  ? KindOf<R> extends Kind
    ? Scalars[KindOf<R>]
    : never
  : R extends { type: "enum"; values: readonly (infer V)[] }
    ? V
    : R extends { type: "object"; props: infer P extends Fields }
      ? DataOf<P>
      : R extends { type: "array"; items: infer I }
        ? readonly TypeOf<I>[]
        : R extends { type: "record" }
          ? Readonly<Record<string, unknown>>
          : R extends { type: infer K extends Kind }
            ? Scalars[K]
            : never;
type IsOptional<R> = R extends `${string}|optional${string}`
  ? true
  : R extends { optional: true }
    ? true
    : false;
type IsNullable<R> = R extends `${string}|nullable${string}`
  ? true
  : R extends { nullable: true }
    ? true
    : false;
type TypeOf<R> = IsNullable<R> extends true ? Bare<R> | null : Bare<R>;
type OptionalKeys<F> = { [K in keyof F]: IsOptional<F[K]> extends true ? K : never }[keyof F];

/** The static type of data that satisfies a schema. */
export type DataOf<F extends Fields> = Readonly<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: TypeOf<F[K]> } & { [K in OptionalKeys<F>]?: TypeOf<F[K]> }
>;

/** Data that breaks its contract. `data` lists field, rule and message, never the value itself. */
export class ContractViolation extends AppError {
  constructor(contract: string, violations: readonly Violation[]) {
    const first = violations[0];
    super(`${contract}: ${first ? first.message : "unknown contract"}`, {
      type: "CONTRACT_VIOLATION",
      data: violations.map(({ field, type, message }) => ({ field, type, message })),
    });
  }
}
interface Violation {
  readonly field: string;
  readonly type: string;
  readonly message: string;
}

/** Null is a value like any other: allowed where a rule says `nullable`, and for `any`. Every validator needs these. */
export const validatorOptions = { haltOnFirstError: true, considerNullAsAValue: true, aliases };

/**
 * A schema as the validator takes it: a copy, since the validator rewrites its rules, closed for fields that it does not
 * name. The validator's `record` copies the object, loses a key `__proto__` and rejects null as a value; its `object`
 * without props leaves the value alone. By default it accepts null wherever a field is optional.
 */
export function strictSchema(fields: Fields): Record<string, unknown> {
  return { $$strict: true, ...mapRules(fields) };
}

const mapRules = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, ruleForValidator(rule)]));

function ruleForValidator(rule: Rule): unknown {
  if (typeof rule === "string") return /^any\b|\|nullable/.test(rule) ? rule : `${rule}|nullable:false`;
  const { nullable = false } = rule;
  switch (rule.type) {
    case "any":
      return { ...rule };
    case "record":
      return { ...rule, type: "object", nullable };
    case "object":
      return { ...rule, props: mapRules(rule.props), nullable };
    case "array":
      return { ...rule, items: ruleForValidator(rule.items), nullable };
    default:
      return { ...rule, nullable };
  }
}

/** Freezes a declaration in depth, so that no user of it can change what others read. Returns it. */
export function deepFrozen<T>(declaration: T): T {
  if (typeof declaration !== "object" || declaration === null || Object.isFrozen(declaration))
    return declaration;
  if (declaration instanceof RegExp) return declaration;
  for (const inner of Object.values(declaration)) deepFrozen(inner);
  return Object.freeze(declaration);
}

const validator = new Validator(validatorOptions as never);

/** Compiles a schema into a check that throws `ContractViolation` and otherwise leaves the data as it is. */
export function compileCheck(contract: string, fields: Fields): (data: unknown) => void {
  const check = validator.compile(strictSchema(fields) as never);
  return (data) => {
    const result = check(data);
    if (result === true) return;
    throw new ContractViolation(contract, result as Violation[]);
  };
}

import type { Fields, Rule } from "../../../shared/contracts/contract.ts";

type Expanded = Exclude<Rule, string>;

/** Expands the shorthand of a rule: `"number|optional"` becomes `{ type: "number", optional: true }`. */
export function expandRule(rule: Rule): Expanded {
  if (typeof rule !== "string") return rule;
  const [type, ...flags] = rule.split("|");
  return Object.assign(
    { type },
    ...flags.map((flag) => {
      const [name, value] = flag.split(":");
      return {
        [name as string]: value === undefined ? true : Number.isNaN(Number(value)) ? value : Number(value),
      };
    }),
  ) as Expanded;
}

/** Returns a rule as JSON: a pattern becomes its source, which would otherwise arrive as `{}` on another node. */
export function plainRule(rule: Rule): unknown {
  return plain(expandRule(rule));
}

/** Returns a schema or a rule as JSON, see `plainRule`. */
export function plain<S extends object>(schema: S): Record<string, unknown> {
  const text = JSON.stringify(schema, (_, value: unknown) =>
    value instanceof RegExp ? value.source : value,
  );
  return JSON.parse(text);
}

/** Describes a rule in words, to follow "expected": `a string of 1 to 255 characters`, `one of GET, POST`. */
export function describeRule(rule: Rule): string {
  const expanded = expandRule(rule);
  const words = describe(expanded);
  return expanded.nullable ? `${words}, or null` : words;
}

function describe(rule: Expanded): string {
  switch (rule.type) {
    case "string":
      return describeString(rule);
    case "number":
      return `a ${rule.integer ? "whole number" : "number"}${range(rule, "")}`;
    case "boolean":
      return "true or false";
    case "instant":
      return "an instant in UTC such as 2026-01-05T08:00:00.000Z";
    case "id":
      return "24 lower-case hexadecimal digits";
    case "uuid":
      return "a UUID";
    case "any":
      return "any JSON value";
    case "record":
      return "a JSON object";
    case "enum":
      return `one of ${rule.values.join(", ")}`;
    case "array":
      return `an array${rule.max === undefined ? "" : ` of at most ${rule.max} items`}, each ${describeRule(rule.items)}`;
    case "object":
      return describeFields(rule.props);
  }
}

function describeString(rule: Extract<Expanded, { type: "string" } | { pattern?: RegExp }>): string {
  const { min, max, pattern } = rule as { min?: number; max?: number; pattern?: RegExp };
  const length = range({ min, max }, " characters").replace(/^ from /, " of ");
  return `a string${length}${pattern ? ` matching ${pattern}` : ""}`;
}

function range({ min, max }: { min?: number; max?: number }, unit: string): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${unit}`;
  if (min !== undefined) return ` of at least ${min}${unit}`;
  return max === undefined ? "" : ` of at most ${max}${unit}`;
}

function describeFields(fields: Fields): string {
  const names = Object.entries(fields).map(([name, rule]) => (expandRule(rule).optional ? `${name}?` : name));
  return names.length === 0 ? "an empty object {}" : `an object with the fields ${names.join(", ")}`;
}

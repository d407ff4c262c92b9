import { aliases, type Fields, type Rule } from "./contract.ts";

/** A schema of JSON Schema 2020-12, as OpenAPI 3.1 and AsyncAPI 3 have it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Expanded = Exclude<Rule, string>;

/** Returns the JSON Schema of an object with these fields; it allows further members, since fields may be added later. */
export function objectSchema(fields: Fields): JsonSchema {
  const rules = Object.entries(fields).map(([name, rule]) => [name, expanded(rule)] as const);
  const required = rules.filter(([, { optional }]) => !optional).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(rules.map(([name, rule]) => [name, ruleSchema(rule)])),
    ...(required.length > 0 && { required }),
  };
}

/** Returns the JSON Schema of the values that a rule accepts. */
export function ruleSchema(rule: Rule): JsonSchema {
  const wide = expanded(rule);
  const schema = bareSchema(wide);
  return wide.nullable ? orNull(schema) : schema;
}

/** Returns a schema that accepts null in addition. */
export function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  if (Array.isArray(values)) return { ...schema, type: [type, "null"], enum: [...values, null] };
  return typeof type === "string"
    ? { ...schema, type: [type, "null"] }
    : { anyOf: [schema, { type: "null" }] };
}

function expanded(rule: Rule): Expanded {
  if (typeof rule !== "string") return rule;
  const [type, ...flags] = rule.split("|");
  return { type, ...Object.fromEntries(flags.map((flag) => [flag, true])) } as Expanded;
}

function bareSchema(rule: Expanded): JsonSchema {
  switch (rule.type) {
    case "any":
      return {};
    case "boolean":
      return { type: "boolean" };
    case "number":
      return {
        type: rule.integer ? "integer" : "number",
        ...bounds(rule, "minimum", "maximum"),
        ...(rule.default !== undefined && { default: rule.default }),
      };
    case "string":
      return {
        type: "string",
        ...bounds(rule, "minLength", "maxLength"),
        ...(rule.pattern && { pattern: rule.pattern.source }),
      };
    case "id":
      return { type: "string", pattern: aliases.id.pattern.source };
    case "instant":
      return { type: "string", format: "date-time", pattern: aliases.instant.pattern.source };
    case "uuid":
      return { type: "string", format: "uuid" };
    case "enum":
      return { type: "string", enum: rule.values };
    case "record":
      return { type: "object" };
    case "object":
      return { ...objectSchema(rule.props), ...(rule.strict && { additionalProperties: false }) };
    case "array":
      return {
        type: "array",
        items: ruleSchema(rule.items),
        ...(rule.max !== undefined && { maxItems: rule.max }),
      };
  }
}

function bounds(
  { min, max }: { readonly min?: number; readonly max?: number },
  lower: string,
  upper: string,
): JsonSchema {
  return { ...(min !== undefined && { [lower]: min }), ...(max !== undefined && { [upper]: max }) };
}

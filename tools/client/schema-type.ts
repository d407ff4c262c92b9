import type { JsonSchema } from "../../shared/contracts/json-schema.ts";

/** Returns the TypeScript type of the values that a schema accepts. */
export function typeOf(schema: JsonSchema): string {
  const { $ref, anyOf, const: constant, enum: values, type, properties, items } = schema;
  if (typeof $ref === "string") return $ref.slice($ref.lastIndexOf("/") + 1);
  if (Array.isArray(anyOf)) return union(anyOf.map(typeOf));
  if (constant !== undefined) return JSON.stringify(constant);
  if (Array.isArray(values)) return union(values.map((value) => JSON.stringify(value)));
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one })));
  if (type === "array") return `readonly ${inParentheses(typeOf((items ?? {}) as JsonSchema))}[]`;
  if (type === "object" && properties === undefined) return "Readonly<Record<string, unknown>>";
  if (type === "object") return objectType(schema);
  return SIMPLE[String(type)] ?? "unknown";
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: "string",
  integer: "number",
  number: "number",
  boolean: "boolean",
  null: "null",
};

const union = (types: readonly string[]): string => [...new Set(types)].join(" | ");
const inParentheses = (type: string): string => (type.includes(" ") ? `(${type})` : type);

/** Returns the type of an object: its members with their descriptions, readonly, optional unless required. */
export function objectType({ properties = {}, required = [] }: JsonSchema): string {
  const members = Object.entries(properties as Record<string, JsonSchema>).map(([name, schema]) => {
    const optional = (required as readonly string[]).includes(name) ? "" : "?";
    const comment = typeof schema.description === "string" ? `${docComment(schema.description)}\n` : "";
    return `${comment}readonly ${memberName(name)}${optional}: ${typeOf(schema)};`;
  });
  return members.length === 0 ? "Readonly<Record<string, never>>" : `{\n${indented(members.join("\n"))}\n}`;
}

/** Returns a documentation comment of one line. */
export const docComment = (text: string): string => `/** ${text.replaceAll("*/", "* /")} */`;

export const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");

const memberName = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

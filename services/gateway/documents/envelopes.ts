import type { JsonSchema } from "../../../shared/contracts/json-schema.ts";
import type { Output } from "../wire/output.ts";

/** Codes of an error in a response with HTTP status 200. */
const FAILURE_CODES = [400, 401, 403, 404, 409];

const text = { type: "string" };
const whole = { type: "integer" };

/** The schemas that operations refer to, by name. */
export const envelopeSchemas = {
  FieldError: {
    type: "object",
    properties: { field: text, message: text, expected: text },
    required: ["field", "message", "expected"],
  },
  Failure: {
    type: "object",
    properties: {
      message: text,
      code: { type: "integer", enum: FAILURE_CODES },
      body: {},
      errors: { type: "array", items: { $ref: "#/components/schemas/FieldError" } },
    },
    required: ["message", "code"],
  },
  HttpError: {
    type: "object",
    properties: { code: { type: "integer", minimum: 400 }, message: text },
    required: ["code", "message"],
  },
} as const satisfies Readonly<Record<string, JsonSchema>>;

/** Returns the schema of a successful response. */
export function successSchema({ envelope, schema, shape }: Output): JsonSchema {
  const item = shape ? { $ref: `#/components/schemas/${shape.name}` } : schema;
  const isList = envelope === "list";
  return {
    type: "object",
    properties: {
      code: { const: 200 },
      message: text,
      data: isList ? { type: "array", items: item } : item,
      ...(isList && { total: whole, page: whole, limit: whole }),
    },
    required: ["code", "message", "data", ...(isList ? ["total", "page", "limit"] : [])],
  };
}

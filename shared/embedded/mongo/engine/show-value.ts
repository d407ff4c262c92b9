import { typeNameOf } from "../bson/type-names.ts";
import { BsonDate, type BsonDocument, BsonDouble, type BsonValue, ObjectId } from "../bson/values.ts";

const SHOWN_CHARACTERS = 100;

/** Formats a key as in MongoDB's error messages; long strings are cut. */
export const showDocument = (document: BsonDocument): string =>
  `{ ${[...document].map(([name, value]) => `${name}: ${showValue(value)}`).join(", ")} }`;

export function showValue(value: BsonValue): string {
  if (typeof value === "string") {
    return value.length > SHOWN_CHARACTERS
      ? `"${value.slice(0, SHOWN_CHARACTERS)}..."`
      : JSON.stringify(value);
  }
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHex()}')`;
  if (value instanceof BsonDate) return `new Date(${value.ms})`;
  if (value instanceof BsonDouble) return value.value.toFixed(1);
  if (value instanceof Map) return showDocument(value);
  if (Array.isArray(value)) return `[ ${value.map(showValue).join(", ")} ]`;
  return `<${typeNameOf(value)}>`;
}

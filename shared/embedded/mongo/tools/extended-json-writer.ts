import { Decimal128 } from "../bson/decimal.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  BsonDouble,
  BsonSymbol,
  BsonUndefined,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  isInt32,
  MaxKey,
  MinKey,
  ObjectId,
  Regex,
  Timestamp,
} from "../bson/values.ts";

/**
 * Writes a document as one line of canonical Extended JSON (version 2): types and the order of keys are kept.
 */
export function writeExtendedJson(document: BsonDocument): string {
  return `{${[...document].map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(",")}}`;
}

function write(value: BsonValue): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "bigint":
      return wrapped("$numberLong", String(value));
    case "number":
      return isInt32(value)
        ? wrapped("$numberInt", String(value))
        : wrapped("$numberDouble", doubleText(value));
  }
  if (value === null) return "null";
  if (value instanceof Map) return writeExtendedJson(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  return writeObject(value);
}

const wrapped = (name: string, text: string): string => `{"${name}":${JSON.stringify(text)}}`;

const doubleText = (value: number): string =>
  Object.is(value, -0)
    ? "-0.0"
    : Number.isInteger(value) && Math.abs(value) < 1e21
      ? value.toFixed(1)
      : String(value);

type BsonObject = Exclude<BsonValue, string | number | bigint | boolean | null | BsonValue[] | BsonDocument>;

function writeObject(value: BsonObject): string {
  if (value instanceof ObjectId) return wrapped("$oid", value.toHex());
  if (value instanceof BsonDate) return `{"$date":${wrapped("$numberLong", String(value.ms))}}`;
  if (value instanceof BsonDouble) return wrapped("$numberDouble", doubleText(value.value));
  if (value instanceof Decimal128) return wrapped("$numberDecimal", value.toString());
  if (value instanceof Binary) {
    const base64 = Buffer.from(value.bytes).toString("base64");
    const subType = value.subtype.toString(16).padStart(2, "0");
    return `{"$binary":{"base64":"${base64}","subType":"${subType}"}}`;
  }
  if (value instanceof Timestamp) {
    return `{"$timestamp":{"t":${value.value >> 32n},"i":${value.value & 0xffffffffn}}}`;
  }
  if (value instanceof Regex) {
    return `{"$regularExpression":{"pattern":${JSON.stringify(value.pattern)},"options":${JSON.stringify(value.flags)}}}`;
  }
  return writeRarer(value);
}

function writeRarer(value: BsonObject): string {
  if (value instanceof Code) return wrapped("$code", value.code);
  if (value instanceof CodeWithScope) {
    return `{"$code":${JSON.stringify(value.code)},"$scope":${writeExtendedJson(value.scope)}}`;
  }
  if (value instanceof BsonSymbol) return wrapped("$symbol", value.value);
  if (value instanceof DbPointer) {
    return `{"$dbPointer":{"$ref":${JSON.stringify(value.namespace)},"$id":${wrapped("$oid", value.id.toHex())}}}`;
  }
  if (value instanceof BsonUndefined) return '{"$undefined":true}';
  if (value instanceof MinKey) return '{"$minKey":1}';
  if (value instanceof MaxKey) return '{"$maxKey":1}';
  throw new TypeError("a value of an unknown BSON type");
}

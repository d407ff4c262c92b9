import { decimalOf, parseDecimal } from "../bson/decimal.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  doubleOf,
  MAX_KEY,
  MIN_KEY,
  ObjectId,
  Regex,
  Timestamp,
  UNDEFINED,
} from "../bson/values.ts";
import { type OrderedJson, parseOrderedJson } from "./ordered-json.ts";

type JsonObject = ReadonlyMap<string, OrderedJson>;

/**
 * Reads the document in one line of Extended JSON, canonical or relaxed.
 *
 * @throws SyntaxError for a line that is not a JSON object, or an invalid type wrapper
 */
export function readExtendedJson(line: string): BsonDocument {
  const parsed = parseOrderedJson(line);
  if (!(parsed instanceof Map)) throw new SyntaxError("a document must be a JSON object");
  return documentFrom(parsed);
}

function documentFrom(object: JsonObject): BsonDocument {
  const document: BsonDocument = new Map();
  for (const [name, value] of object) document.set(name, valueFrom(value));
  return document;
}

function valueFrom(value: OrderedJson): BsonValue {
  if (typeof value === "number") {
    const isLong = Number.isSafeInteger(value) && (value | 0) !== value;
    return isLong
      ? BigInt(value)
      : Number.isInteger(value) && (value | 0) !== value
        ? doubleOf(value)
        : value;
  }
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(valueFrom);
  const first = value.keys().next().value;
  const reader = first?.startsWith("$") && Object.hasOwn(WRAPPERS, first) ? WRAPPERS[first] : undefined;
  if (reader === undefined || value.size > (first === "$code" ? 2 : 1)) return documentFrom(value);
  return reader(value.get(first!)!, value);
}

const malformed = (wrapper: string): SyntaxError => new SyntaxError(`malformed ${wrapper} in Extended JSON`);

function text(wrapper: string, value: OrderedJson | undefined): string {
  if (typeof value === "string") return value;
  throw malformed(wrapper);
}

function object(wrapper: string, value: OrderedJson): JsonObject {
  if (value instanceof Map) return value;
  throw malformed(wrapper);
}

const WRAPPERS: Readonly<Record<string, (value: OrderedJson, whole: JsonObject) => BsonValue>> = {
  $oid: (value) => objectIdFrom("$oid", value),
  $numberInt: (value) => Number(text("$numberInt", value)) | 0,
  $numberLong: (value) => BigInt.asIntN(64, BigInt(text("$numberLong", value))),
  $numberDouble: (value) => doubleOf(Number(text("$numberDouble", value))),
  $numberDecimal: (value) => {
    const parts = parseDecimal(text("$numberDecimal", value));
    if (parts === null) throw malformed("$numberDecimal");
    return decimalOf(parts);
  },
  $date: (value) => {
    if (typeof value === "string") return new BsonDate(Date.parse(value));
    return new BsonDate(BigInt(text("$date", object("$date", value).get("$numberLong"))));
  },
  $binary: (value) => {
    const parts = object("$binary", value);
    const bytes = Buffer.from(text("$binary", parts.get("base64")), "base64");
    return new Binary(bytes, Number.parseInt(text("$binary", parts.get("subType")), 16));
  },
  $timestamp: (value) => {
    const parts = object("$timestamp", value);
    return new Timestamp((BigInt(Number(parts.get("t"))) << 32n) | BigInt(Number(parts.get("i"))));
  },
  $regularExpression: (value) => {
    const parts = object("$regularExpression", value);
    return new Regex(
      text("$regularExpression", parts.get("pattern")),
      text("$regularExpression", parts.get("options")),
    );
  },
  $code: (value, whole) => {
    const scope = whole.get("$scope");
    if (scope === undefined) return new Code(text("$code", value));
    return new CodeWithScope(text("$code", value), documentFrom(object("$code", scope)));
  },
  $symbol: (value) => new BsonSymbol(text("$symbol", value)),
  $dbPointer: (value) => {
    const parts = object("$dbPointer", value);
    const id = object("$dbPointer", parts.get("$id") ?? null);
    return new DbPointer(text("$dbPointer", parts.get("$ref")), objectIdFrom("$dbPointer", id.get("$oid")));
  },
  $undefined: () => UNDEFINED,
  $minKey: () => MIN_KEY,
  $maxKey: () => MAX_KEY,
};

function objectIdFrom(wrapper: string, value: OrderedJson | undefined): ObjectId {
  const hex = text(wrapper, value);
  if (!/^[0-9a-fA-F]{24}$/.test(hex)) throw malformed(wrapper);
  return ObjectId.fromHex(hex);
}

import { BsonType } from "./bson-type.ts";
import { Decimal128 } from "./decimal.ts";
import { CommandFault } from "./fault.ts";
import { GrowingBuffer } from "./growing-buffer.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  BsonDouble,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  isInt32,
  ObjectId,
  Regex,
  Timestamp,
} from "./values.ts";

const MAX_DEPTH = 200;
const INITIAL_SIZE = 64 * 1024;
/** A buffer that grew for a large reply is released after it. */
const KEPT_SIZE = 4 * 1024 * 1024;

let out = new GrowingBuffer(INITIAL_SIZE);

const numberBytes = new Uint8Array(8);
const asDouble = new Float64Array(numberBytes.buffer);
const asInt64 = new BigInt64Array(numberBytes.buffer);
const asUint64 = new BigUint64Array(numberBytes.buffer);

function putInt32(value: number): void {
  const at = out.length;
  out.bytes[at] = value;
  out.bytes[at + 1] = value >> 8;
  out.bytes[at + 2] = value >> 16;
  out.bytes[at + 3] = value >> 24;
  out.length = at + 4;
}

function patchInt32(at: number, value: number): void {
  out.bytes[at] = value;
  out.bytes[at + 1] = value >> 8;
  out.bytes[at + 2] = value >> 16;
  out.bytes[at + 3] = value >> 24;
}

function store8(): void {
  const at = out.length;
  for (let i = 0; i < 8; i++) out.bytes[at + i] = numberBytes[i]!;
  out.length = at + 8;
}

function putDouble(value: number): void {
  asDouble[0] = value;
  store8();
}

/** Writes text as UTF-8. Short ASCII is written in place: a call into the runtime costs more than the loop. */
function putText(text: string): void {
  const length = text.length;
  out.reserve(length * 3 + 16);
  if (length < 40) {
    const start = out.length;
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) break;
      out.bytes[start + i] = unit;
    }
    if (i === length) {
      out.length = start + length;
      return;
    }
  }
  out.length += out.bytes.write(text, out.length, "utf8");
}

function putCString(text: string): void {
  if (text.includes("\0"))
    throw new CommandFault(2, "a field name or a regular expression contains a zero byte");
  putText(text);
  out.bytes[out.length++] = 0;
}

function putString(text: string): void {
  out.reserve(text.length * 3 + 16);
  const at = out.length;
  out.length += 4;
  putText(text);
  out.bytes[out.length++] = 0;
  patchInt32(at, out.length - at - 4);
}

function putObjectId(id: ObjectId): void {
  let at = out.length;
  for (const half of [id.high, id.low]) {
    const upper = Math.floor(half / 16777216);
    const lower = half % 16777216;
    out.bytes[at++] = upper >> 16;
    out.bytes[at++] = upper >> 8;
    out.bytes[at++] = upper;
    out.bytes[at++] = lower >> 16;
    out.bytes[at++] = lower >> 8;
    out.bytes[at++] = lower;
  }
  out.length = at;
}

function putBytes(bytes: Uint8Array): void {
  out.reserve(bytes.length + 16);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}

function putHead(type: number, key: string): void {
  out.bytes[out.length++] = type;
  putCString(key);
  out.reserve(32);
}

function putElement(key: string, value: BsonValue, depth: number): void {
  out.reserve(32);
  switch (typeof value) {
    case "string":
      putHead(BsonType.string, key);
      putString(value);
      return;
    case "number":
      if (isInt32(value)) {
        putHead(BsonType.int, key);
        putInt32(value);
      } else {
        putHead(BsonType.double, key);
        putDouble(value);
      }
      return;
    case "boolean":
      putHead(BsonType.bool, key);
      out.bytes[out.length++] = value ? 1 : 0;
      return;
    case "bigint":
      putHead(BsonType.long, key);
      asInt64[0] = value;
      store8();
      return;
  }
  if (value === null) putHead(BsonType.null, key);
  else if (value instanceof Map) {
    putHead(BsonType.object, key);
    putDocument(value, depth + 1);
  } else if (Array.isArray(value)) {
    putHead(BsonType.array, key);
    putArray(value, depth + 1);
  } else {
    putHead(value.bsonType, key);
    putScalar(value, depth);
  }
}

function putScalar(
  value: Exclude<BsonValue, number | bigint | string | boolean | null | BsonValue[] | BsonDocument>,
  depth: number,
): void {
  if (value instanceof ObjectId) putObjectId(value);
  else if (value instanceof BsonDate) {
    asInt64[0] = BigInt(value.ms);
    store8();
  } else if (value instanceof BsonDouble) putDouble(value.value);
  else if (value instanceof Timestamp) {
    asUint64[0] = value.value;
    store8();
  } else if (value instanceof Binary) {
    putInt32(value.bytes.length);
    out.bytes[out.length++] = value.subtype;
    putBytes(value.bytes);
  } else if (value instanceof Decimal128) {
    asUint64[0] = value.low;
    store8();
    asUint64[0] = value.high;
    store8();
  } else if (value instanceof Regex) {
    putCString(value.pattern);
    putCString(value.flags);
  } else if (value instanceof Code) putString(value.code);
  else if (value instanceof BsonSymbol) putString(value.value);
  else if (value instanceof CodeWithScope) putCodeWithScope(value, depth);
  else if (value instanceof DbPointer) {
    putString(value.namespace);
    out.reserve(16);
    putObjectId(value.id);
  }
}

function putCodeWithScope(value: CodeWithScope, depth: number): void {
  const at = out.length;
  out.length += 4;
  putString(value.code);
  putDocument(value.scope, depth + 1);
  patchInt32(at, out.length - at);
}

function open(depth: number): number {
  if (depth > MAX_DEPTH) throw new CommandFault(15, `BSON nesting exceeds ${MAX_DEPTH} levels`);
  out.reserve(16);
  const at = out.length;
  out.length += 4;
  return at;
}

function close(at: number): void {
  out.reserve(1);
  out.bytes[out.length++] = 0;
  patchInt32(at, out.length - at);
}

function putDocument(doc: BsonDocument, depth: number): void {
  const at = open(depth);
  for (const [key, value] of doc) putElement(key, value, depth);
  close(at);
}

const INDEX_NAMES = Array.from({ length: 1000 }, (_, index) => String(index));

function putArray(items: readonly BsonValue[], depth: number): void {
  const at = open(depth);
  for (let i = 0; i < items.length; i++) putElement(INDEX_NAMES[i] ?? String(i), items[i]!, depth);
  close(at);
}

/**
 * Encodes a document to bytes of its own.
 *
 * @throws CommandFault 2 for a field name with a zero byte, 15 for nesting beyond 200 levels (a document that
 *   contains itself included)
 */
export function encodeDocument(doc: BsonDocument): Uint8Array {
  out.length = 0;
  putDocument(doc, 0);
  const bytes = Buffer.allocUnsafe(out.length);
  out.bytes.copy(bytes, 0, 0, out.length);
  if (out.bytes.length > KEPT_SIZE) out = new GrowingBuffer(INITIAL_SIZE);
  return bytes;
}

/** The number of bytes that {@link encodeDocument} would return. */
export function encodedLength(doc: BsonDocument): number {
  out.length = 0;
  putDocument(doc, 0);
  return out.length;
}

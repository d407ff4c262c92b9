import { Decimal128 } from "./decimal.ts";
import { LEAST_SIZE } from "./element-sizes.ts";
import { CommandFault } from "./fault.ts";
import { asciiName } from "./field-names.ts";
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
  MAX_KEY,
  MIN_KEY,
  ObjectId,
  Regex,
  Timestamp,
  UNDEFINED,
} from "./values.ts";

/** Deeper nesting is rejected: real servers stop at 200 levels, including those of the command. */
export const MAX_DEPTH = 180;

const { utf8Slice } = Buffer.prototype as unknown as { utf8Slice(start: number, end: number): string };

export const damaged = (reason: string): CommandFault => new CommandFault(22, `Invalid BSON: ${reason}`);

const numberBytes = new Uint8Array(8);
const asDouble = new Float64Array(numberBytes.buffer);
const asInt64 = new BigInt64Array(numberBytes.buffer);

/**
 * Reads one document at a time. The cursor is shared by the functions below: reading is synchronous and never
 * re-entered, and one object per document would cost more than the reading of a small one. For the same reason all of it
 * is in one file.
 */
let source: Uint8Array = new Uint8Array(0);
let position = 0;

function need(count: number, end: number): void {
  if (position + count > end) throw damaged(`${count} bytes expected, ${end - position} left`);
}

function readInt32(): number {
  const at = position;
  position = at + 4;
  return source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
}

function load8(): void {
  const at = position;
  for (let i = 0; i < 8; i++) numberBytes[i] = source[at + i]!;
  position = at + 8;
}

function readInt64(): bigint {
  load8();
  return asInt64[0]!;
}

function readMillis(): number | bigint {
  const low = readInt32() >>> 0;
  const high = readInt32();
  const value = high * 4294967296 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

function readDouble(): number | BsonDouble {
  load8();
  const value = asDouble[0]!;
  return Number.isInteger(value) ? new BsonDouble(value) : value;
}

function readKey(end: number): string {
  const start = position;
  const bytes = source;
  let at = start;
  let hash = 0;
  let seen = 0;
  for (;;) {
    if (at >= end) throw damaged("a field name has no end");
    const byte = bytes[at]!;
    if (byte === 0) break;
    hash = (hash * 31 + byte) | 0;
    seen |= byte;
    at++;
  }
  position = at + 1;
  return seen > 127 ? utf8Slice.call(bytes, start, at) : asciiName(bytes, { start, end: at, hash });
}

function readString(end: number): string {
  need(5, end);
  const length = readInt32();
  if (length < 1) throw damaged(`a string of length ${length}`);
  need(length, end);
  const start = position;
  position = start + length;
  if (source[position - 1] !== 0) throw damaged("a string has no end");
  return utf8Slice.call(source, start, position - 1);
}

function readObjectId(): ObjectId {
  const at = position;
  const b = source;
  position = at + 12;
  const h1 = (b[at]! << 16) | (b[at + 1]! << 8) | b[at + 2]!;
  const h2 = (b[at + 3]! << 16) | (b[at + 4]! << 8) | b[at + 5]!;
  const l1 = (b[at + 6]! << 16) | (b[at + 7]! << 8) | b[at + 8]!;
  const l2 = (b[at + 9]! << 16) | (b[at + 10]! << 8) | b[at + 11]!;
  return new ObjectId(h1 * 16777216 + h2, l1 * 16777216 + l2);
}

function readBinary(end: number): Binary {
  need(5, end);
  const length = readInt32();
  const subtype = source[position++]!;
  if (length < 0) throw damaged(`binary data of length ${length}`);
  need(length, end);
  position += length;
  return new Binary(Uint8Array.prototype.slice.call(source, position - length, position), subtype);
}

function readCodeWithScope(end: number, depth: number): CodeWithScope {
  need(4, end);
  const start = position;
  const length = readInt32();
  if (length < 14 || start + length > end) throw damaged("code with scope has a wrong length");
  const code = readString(start + length);
  const scope = readDocument(start + length, depth + 1);
  if (position !== start + length) throw damaged("code with scope has a wrong length");
  return new CodeWithScope(code, scope);
}

function readValue(type: number, end: number, depth: number): BsonValue {
  switch (type) {
    case 0x10:
      need(4, end);
      return readInt32();
    case 0x02:
      return readString(end);
    case 0x03:
      return readDocument(end, depth + 1);
    case 0x04:
      return readArray(end, depth + 1);
    case 0x08: {
      need(1, end);
      const byte = source[position++]!;
      if (byte > 1) throw damaged(`a boolean of ${byte}`);
      return byte === 1;
    }
    case 0x0a:
      return null;
    default:
      return readRarerValue(type, end, depth);
  }
}

function readRarerValue(type: number, end: number, depth: number): BsonValue {
  const size = LEAST_SIZE[type]!;
  if (size < 0) throw damaged(`unknown type 0x${type.toString(16)}`);
  need(size, end);
  switch (type) {
    case 0x01:
      return readDouble();
    case 0x05:
      return readBinary(end);
    case 0x06:
      return UNDEFINED;
    case 0x07:
      return readObjectId();
    case 0x09:
      return new BsonDate(readMillis());
    case 0x0b:
      return new Regex(readKey(end), readKey(end));
    case 0x0c:
      return readDbPointer(end);
    case 0x0d:
      return new Code(readString(end));
    case 0x0e:
      return new BsonSymbol(readString(end));
    case 0x0f:
      return readCodeWithScope(end, depth);
    case 0x11:
      return new Timestamp(BigInt.asUintN(64, readInt64()));
    case 0x12:
      return readInt64();
    case 0x13: {
      const low = BigInt.asUintN(64, readInt64());
      return new Decimal128(BigInt.asUintN(64, readInt64()), low);
    }
    case 0x7f:
      return MAX_KEY;
    default:
      return MIN_KEY;
  }
}

function readDbPointer(end: number): DbPointer {
  const namespace = readString(end);
  need(12, end);
  return new DbPointer(namespace, readObjectId());
}

/** Checks a document's frame and returns the position of its closing zero byte. */
function enter(end: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new CommandFault(15, `BSON nesting exceeds ${MAX_DEPTH} levels`);
  const start = position;
  need(5, end);
  const length = readInt32();
  const close = start + length - 1;
  if (length < 5 || close >= end)
    throw damaged(`a document of ${length} bytes where ${end - start} are left`);
  if (source[close] !== 0) throw damaged("a document has no end");
  return close;
}

function leave(close: number): void {
  if (position !== close) throw damaged("a document ends early");
  position = close + 1;
}

function readDocument(end: number, depth: number): BsonDocument {
  const close = enter(end, depth);
  const doc: BsonDocument = new Map();
  while (position < close) {
    const type = source[position++]!;
    if (type === 0) throw damaged("a document ends early");
    const key = readKey(close);
    doc.set(key, readValue(type, close, depth));
  }
  leave(close);
  return doc;
}

function readArray(end: number, depth: number): BsonValue[] {
  const close = enter(end, depth);
  const items: BsonValue[] = [];
  while (position < close) {
    const type = source[position++]!;
    if (type === 0) throw damaged("an array ends early");
    while (position < close && source[position] !== 0) position++;
    position++;
    items.push(readValue(type, close, depth));
  }
  leave(close);
  return items;
}

function within<T>(bytes: Uint8Array, offset: number, read: () => T): T {
  source = bytes;
  position = offset;
  try {
    return read();
  } finally {
    source = EMPTY;
  }
}
const EMPTY = new Uint8Array(0);

/**
 * Decodes the document that begins at `offset`; its length field determines where it ends.
 *
 * If two fields have the same name, the later value replaces the earlier in its position.
 * @throws CommandFault 22 for invalid BSON, 15 for nesting beyond {@link MAX_DEPTH}
 */
export function decodeDocument(bytes: Uint8Array, offset = 0): BsonDocument {
  return within(bytes, offset, () => readDocument(bytes.length, 0));
}

/** Decodes the single value of type `type` whose bytes begin at `offset` and end at or before `end`. */
export function decodeValue(
  bytes: Uint8Array,
  element: { type: number; offset: number; end: number },
): BsonValue {
  return within(bytes, element.offset, () => readValue(element.type, element.end, 1));
}

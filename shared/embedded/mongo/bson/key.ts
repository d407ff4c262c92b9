import { BsonType } from "./bson-type.ts";
import { rankOf } from "./compare.ts";
import { decodeValue } from "./decode.ts";
import { KeyBytes } from "./key-bytes.ts";
import type { BsonNumber } from "./number.ts";
import { putNumber } from "./number-key.ts";
import type { RawElement } from "./raw.ts";
import {
  Binary,
  type BsonDate,
  type BsonDocument,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  type ObjectId,
  Regex,
  Timestamp,
} from "./values.ts";

const out = new KeyBytes(4096);

/** Keys for strings that are not ordered by their bytes. Strings that differ in that order have different keys. */
export interface TextKeys {
  keyOf(text: string): string;
}

let texts: TextKeys | null = null;

function putObjectId(id: ObjectId): void {
  out.reserve(12);
  for (const half of [id.high, id.low]) {
    const upper = Math.floor(half / 65536);
    out.put4(upper);
    out.bytes[out.length++] = (half % 65536) >> 8;
    out.bytes[out.length++] = half % 256;
  }
}

function putDate(ms: number | bigint): void {
  out.reserve(8);
  if (typeof ms === "number") {
    const high = Math.floor(ms / 4294967296);
    out.put4(high ^ 0x80000000);
    out.put4(ms - high * 4294967296);
  } else out.put8(ms + (1n << 63n));
}

function putBinary(value: Binary): void {
  out.reserve(5 + value.bytes.length);
  out.put4(value.bytes.length);
  out.bytes[out.length++] = value.subtype;
  out.bytes.set(value.bytes, out.length);
  out.length += value.bytes.length;
}

function putDocument(doc: BsonDocument): void {
  for (const [name, value] of doc) {
    putTag(value);
    out.putText(name);
    putPayload(value);
  }
  out.put(0);
}

function putArray(items: readonly BsonValue[]): void {
  for (const item of items) {
    putTag(item);
    putPayload(item);
  }
  out.put(0);
}

function putTag(value: BsonValue): void {
  out.put(rankOf(value));
}

function putPayload(value: BsonValue): void {
  switch (rankOf(value)) {
    case 10:
      putNumber(out, value as BsonNumber);
      break;
    case 15:
      putString(value instanceof BsonSymbol ? value.value : (value as string));
      break;
    case 20:
      putDocument(value as BsonDocument);
      break;
    case 25:
      putArray(value as BsonValue[]);
      break;
    case 35:
      putObjectId(value as ObjectId);
      break;
    case 40:
      out.reserve(1);
      out.bytes[out.length++] = value ? 2 : 1;
      break;
    case 45:
      putDate((value as BsonDate).ms);
      break;
    default:
      putRarer(value);
  }
}

const putString = (text: string): void => out.putText(texts === null ? text : texts.keyOf(text));

function putRarer(value: BsonValue): void {
  if (value instanceof Binary) putBinary(value);
  else if (value instanceof Timestamp) out.put8(value.value);
  else if (value instanceof Regex) {
    out.putText(value.pattern);
    out.putText(value.flags);
  } else if (value instanceof DbPointer) {
    out.reserve(4);
    out.put4(Buffer.byteLength(value.namespace));
    out.putText(value.namespace);
    putObjectId(value.id);
  } else if (value instanceof Code) out.putText(value.code);
  else if (value instanceof CodeWithScope) {
    out.putText(value.code);
    putDocument(value.scope);
  }
}

/**
 * A key whose order under `<` is the order of the values under `compareValues`, each value in its own direction.
 *
 * The string has one character per byte. Equal values have equal keys, also if their numeric types differ. With
 * `textKeys`, strings are in the order of those keys. The key of the first values of a list is a prefix of the list's
 * key; the key of a value is never a prefix of another value's.
 */
export function indexKey(
  values: readonly BsonValue[],
  directions: readonly (1 | -1)[],
  textKeys: TextKeys | null = null,
): string {
  out.length = 0;
  texts = textKeys;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const start = out.length;
    putTag(value);
    putPayload(value);
    if (directions[i] === -1) out.invert(start);
  }
  return out.bytes.toString("latin1", 0, out.length);
}

/** Begins a key of values that are read from the bytes of a document. */
export function beginKey(textKeys: TextKeys | null = null): void {
  out.length = 0;
  texts = textKeys;
}

/** Appends the value of an element, or null if there is none. The types that most indexes hold are not decoded. */
export function addToKey(bytes: Uint8Array, element: RawElement | undefined, direction: 1 | -1): void {
  const start = out.length;
  if (element === undefined) putTag(null);
  else if (!putRaw(bytes, element)) {
    const value = decodeValue(bytes, element);
    putTag(value);
    putPayload(value);
  }
  if (direction === -1) out.invert(start);
}

/** The key that {@link indexKey} gives for the values added since {@link beginKey}. */
export function finishKey(): string {
  return out.bytes.toString("latin1", 0, out.length);
}

/** Returns false, and appends nothing, if the value must be decoded. */
function putRaw(bytes: Uint8Array, { type, offset, end }: RawElement): boolean {
  switch (type) {
    case BsonType.string:
      return texts === null && out.putAscii(TEXT_RANK, { bytes, start: offset + 4, end: end - 1 });
    case BsonType.objectId:
      out.reserve(13);
      out.bytes[out.length++] = OBJECT_ID_RANK;
      for (let at = offset; at < end; at++) out.bytes[out.length++] = bytes[at]!;
      return true;
    case BsonType.date:
      out.reserve(9);
      out.bytes[out.length++] = DATE_RANK;
      // The sign bit is inverted so that negative numbers sort first.
      out.bytes[out.length++] = bytes[end - 1]! ^ 0x80;
      for (let at = end - 2; at >= offset; at--) out.bytes[out.length++] = bytes[at]!;
      return true;
    default:
      return false;
  }
}
const TEXT_RANK = 15;
const OBJECT_ID_RANK = 35;
const DATE_RANK = 45;

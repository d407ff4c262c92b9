import { BsonType } from "./bson-type.ts";
import type { Decimal128 } from "./decimal.ts";

/** A document: a Map, because an object would reorder integer-like keys and mishandle `__proto__`. */
export type BsonDocument = Map<string, BsonValue>;

/**
 * One BSON value.
 *
 * A `number` is an int32 when it is an int32 integer other than -0, else a double; integral doubles are
 * {@link BsonDouble}; an int64 is a `bigint`. JavaScript's `undefined` is never a value: it means "missing".
 */
export type BsonValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | BsonValue[]
  | BsonDocument
  | BsonDouble
  | BsonUndefined
  | ObjectId
  | BsonDate
  | Binary
  | Regex
  | DbPointer
  | Code
  | BsonSymbol
  | CodeWithScope
  | Timestamp
  | Decimal128
  | MinKey
  | MaxKey;

/** A double with an integral value, distinct from an int32 of the same value. */
export class BsonDouble {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  get bsonType(): number {
    return BsonType.double;
  }
}

/** Returns the representation of a double: a bare number unless it would be an int32. */
export const doubleOf = (value: number): number | BsonDouble =>
  Number.isInteger(value) ? new BsonDouble(value) : value;

export const isInt32 = (value: number): boolean => (value | 0) === value && !Object.is(value, -0);

/** The field `alias` lets the compiler distinguish the classes without content. */
export class BsonUndefined {
  readonly alias = "undefined";
  get bsonType(): number {
    return BsonType.undefined;
  }
}
export class MinKey {
  readonly alias = "minKey";
  get bsonType(): number {
    return BsonType.minKey;
  }
}
export class MaxKey {
  readonly alias = "maxKey";
  get bsonType(): number {
    return BsonType.maxKey;
  }
}
export const UNDEFINED = new BsonUndefined();
export const MIN_KEY = new MinKey();
export const MAX_KEY = new MaxKey();

/** Twelve bytes as two 48-bit integers: cheap to decode, compare and store. */
export class ObjectId {
  readonly high: number;
  readonly low: number;
  constructor(high: number, low: number) {
    this.high = high;
    this.low = low;
  }
  get bsonType(): number {
    return BsonType.objectId;
  }
  /** @param hex 24 hexadecimal digits */
  static fromHex(hex: string): ObjectId {
    return new ObjectId(Number.parseInt(hex.slice(0, 12), 16), Number.parseInt(hex.slice(12, 24), 16));
  }
  toHex(): string {
    return this.high.toString(16).padStart(12, "0") + this.low.toString(16).padStart(12, "0");
  }
}

/** An instant in milliseconds since the epoch; a bigint only beyond the safe integers, so `<` and `===` work. */
export class BsonDate {
  readonly ms: number | bigint;
  constructor(ms: number | bigint) {
    const narrow = Number(ms);
    this.ms = Number.isSafeInteger(narrow) ? narrow : BigInt(ms);
  }
  get bsonType(): number {
    return BsonType.date;
  }
}

/** Raw payload: for subtype 2 the inner length prefix is part of `bytes`. */
export class Binary {
  readonly bytes: Uint8Array;
  readonly subtype: number;
  constructor(bytes: Uint8Array, subtype = 0) {
    this.bytes = bytes;
    this.subtype = subtype;
  }
  get bsonType(): number {
    return BsonType.binary;
  }
}

export class Regex {
  readonly pattern: string;
  readonly flags: string;
  constructor(pattern: string, flags = "") {
    this.pattern = pattern;
    this.flags = flags;
  }
  get bsonType(): number {
    return BsonType.regex;
  }
}

export class DbPointer {
  readonly namespace: string;
  readonly id: ObjectId;
  constructor(namespace: string, id: ObjectId) {
    this.namespace = namespace;
    this.id = id;
  }
  get bsonType(): number {
    return BsonType.dbPointer;
  }
}

export class Code {
  readonly code: string;
  constructor(code: string) {
    this.code = code;
  }
  get bsonType(): number {
    return BsonType.code;
  }
}

export class CodeWithScope {
  readonly code: string;
  readonly scope: BsonDocument;
  constructor(code: string, scope: BsonDocument) {
    this.code = code;
    this.scope = scope;
  }
  get bsonType(): number {
    return BsonType.codeWithScope;
  }
}

export class BsonSymbol {
  readonly value: string;
  constructor(value: string) {
    this.value = value;
  }
  get bsonType(): number {
    return BsonType.symbol;
  }
}

/** An unsigned 64-bit value: seconds in the upper, an ordinal in the lower half. */
export class Timestamp {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
  get bsonType(): number {
    return BsonType.timestamp;
  }
}

/** The BSON type byte under which a value is stored. */
export function typeOf(value: BsonValue): number {
  switch (typeof value) {
    case "string":
      return BsonType.string;
    case "number":
      return isInt32(value) ? BsonType.int : BsonType.double;
    case "boolean":
      return BsonType.bool;
    case "bigint":
      return BsonType.long;
  }
  if (value === null) return BsonType.null;
  if (value instanceof Map) return BsonType.object;
  if (Array.isArray(value)) return BsonType.array;
  return value.bsonType;
}

export const isDocument = (value: BsonValue | undefined): value is BsonDocument => value instanceof Map;

/** Builds a document from entries; undefined values are omitted. */
export const documentOf = (fields: Record<string, BsonValue | undefined>): BsonDocument => {
  const doc: BsonDocument = new Map();
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) doc.set(key, value);
  return doc;
};

import { BsonType } from "./bson-type.ts";
import { type BsonNumber, compareNumbers } from "./number.ts";
import {
  type Binary,
  type BsonDate,
  type BsonDocument,
  BsonSymbol,
  type BsonValue,
  type Code,
  type CodeWithScope,
  type DbPointer,
  type ObjectId,
  type Regex,
  type Timestamp,
  typeOf,
} from "./values.ts";

/** Compares two strings; a collation replaces the order by bytes. */
export type StringOrder = (a: string, b: string) => number;

/** Rank of each type in the order across types; all numbers share one, strings and symbols share one. */
const RANKS = new Uint8Array(256);
for (const [type, rank] of [
  [BsonType.minKey, 1],
  [BsonType.undefined, 2],
  [BsonType.null, 5],
  [BsonType.int, 10],
  [BsonType.long, 10],
  [BsonType.double, 10],
  [BsonType.decimal, 10],
  [BsonType.string, 15],
  [BsonType.symbol, 15],
  [BsonType.object, 20],
  [BsonType.array, 25],
  [BsonType.binary, 30],
  [BsonType.objectId, 35],
  [BsonType.bool, 40],
  [BsonType.date, 45],
  [BsonType.timestamp, 47],
  [BsonType.regex, 50],
  [BsonType.dbPointer, 55],
  [BsonType.code, 60],
  [BsonType.codeWithScope, 65],
  [BsonType.maxKey, 127],
] as const) {
  RANKS[type] = rank;
}

/** Values of one rank compare with each other; query operators such as `$gt` never leave the rank of their operand. */
export const rankOf = (value: BsonValue): number => RANKS[typeOf(value)]!;

const order = <T extends number | bigint | boolean>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Orders strings as their UTF-8 bytes: code units agree with that except where surrogates meet U+E000–U+FFFF. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x < 0xd800 || y < 0xd800) return x < y ? -1 : 1;
    const result = order(byteRank(a, i), byteRank(b, i));
    if (result !== 0) return result;
  }
  return order(a.length, b.length);
}

/** A lone surrogate is stored as U+FFFD, a pair sorts after all single units. */
function byteRank(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit > 0xdfff) return unit;
  if (unit >= 0xdc00) return at > 0 && isHigh(text.charCodeAt(at - 1)) ? 0x10000 + unit : 0xfffd;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 0x10000 + unit : 0xfffd;
}
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return order(a.length, b.length);
}

const textOf = (value: BsonValue): string => (value instanceof BsonSymbol ? value.value : (value as string));

function compareBinary(a: Binary, b: Binary): number {
  return (
    order(a.bytes.length, b.bytes.length) || order(a.subtype, b.subtype) || compareBytes(a.bytes, b.bytes)
  );
}

/** Documents compare field by field: type, then name, then value; a prefix is the smaller. */
function compareDocuments(a: BsonDocument, b: BsonDocument, strings: StringOrder = compareStrings): number {
  const right = b.entries();
  for (const [name, value] of a) {
    const next = right.next();
    if (next.done) return 1;
    const [otherName, other] = next.value;
    const result =
      order(rankOf(value), rankOf(other)) ||
      compareStrings(name, otherName) ||
      compareValues(value, other, strings);
    if (result !== 0) return result;
  }
  return right.next().done ? 0 : -1;
}

function compareArrays(a: readonly BsonValue[], b: readonly BsonValue[], strings: StringOrder): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const result = compareValues(a[i]!, b[i]!, strings);
    if (result !== 0) return result;
  }
  return order(a.length, b.length);
}

function comparePointers(a: DbPointer, b: DbPointer): number {
  const length = Buffer.byteLength(a.namespace) - Buffer.byteLength(b.namespace);
  return length || compareStrings(a.namespace, b.namespace) || compareObjectIds(a.id, b.id);
}

const compareObjectIds = (a: ObjectId, b: ObjectId): number => order(a.high, b.high) || order(a.low, b.low);

/** MongoDB's total order over all values of all types: negative, zero or positive. */
export function compareValues(a: BsonValue, b: BsonValue, strings: StringOrder = compareStrings): number {
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return strings(a, b);
  const rank = rankOf(a);
  const other = rankOf(b);
  if (rank !== other) return rank < other ? -1 : 1;
  switch (rank) {
    case 10:
      return compareNumbers(a as BsonNumber, b as BsonNumber);
    case 15:
      return strings(textOf(a), textOf(b));
    case 20:
      return compareDocuments(a as BsonDocument, b as BsonDocument, strings);
    case 25:
      return compareArrays(a as BsonValue[], b as BsonValue[], strings);
    case 35:
      return compareObjectIds(a as ObjectId, b as ObjectId);
    case 40:
      return order(a as boolean, b as boolean);
    case 45:
      return order((a as BsonDate).ms, (b as BsonDate).ms);
    default:
      return compareRarer(rank, a, b);
  }
}

function compareRarer(rank: number, a: BsonValue, b: BsonValue): number {
  switch (rank) {
    case 30:
      return compareBinary(a as Binary, b as Binary);
    case 47:
      return order((a as Timestamp).value, (b as Timestamp).value);
    case 50:
      return (
        compareStrings((a as Regex).pattern, (b as Regex).pattern) ||
        compareStrings((a as Regex).flags, (b as Regex).flags)
      );
    case 55:
      return comparePointers(a as DbPointer, b as DbPointer);
    case 60:
      return compareStrings((a as Code).code, (b as Code).code);
    case 65:
      return (
        compareStrings((a as CodeWithScope).code, (b as CodeWithScope).code) ||
        compareDocuments((a as CodeWithScope).scope, (b as CodeWithScope).scope)
      );
    default:
      return 0;
  }
}

/** Equality in the sense of the order: 1, 1.0 and NumberLong(1) are equal. */
export const equalValues = (a: BsonValue, b: BsonValue, strings: StringOrder = compareStrings): boolean =>
  compareValues(a, b, strings) === 0;

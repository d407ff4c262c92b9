import { compareValues } from "../bson/compare.ts";
import { Decimal128 } from "../bson/decimal.ts";
import { BsonDouble, type BsonValue, typeOf } from "../bson/values.ts";

/**
 * Returns whether two values are stored as the same bytes: 1 and NumberLong(1) are equal but not identical.
 */
export function identical(a: BsonValue, b: BsonValue): boolean {
  if (a === b) return true;
  if (typeOf(a) !== typeOf(b)) return false;
  if (a instanceof Map && b instanceof Map) return identicalDocuments(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => identical(item, b[index]!));
  }
  if (a instanceof Decimal128 && b instanceof Decimal128) return a.high === b.high && a.low === b.low;
  if (a instanceof BsonDouble && b instanceof BsonDouble) return Object.is(a.value, b.value);
  return compareValues(a, b) === 0;
}

function identicalDocuments(a: ReadonlyMap<string, BsonValue>, b: ReadonlyMap<string, BsonValue>): boolean {
  if (a.size !== b.size) return false;
  const others = b.entries();
  for (const [name, value] of a) {
    const [otherName, other] = others.next().value!;
    if (name !== otherName || !identical(value, other)) return false;
  }
  return true;
}

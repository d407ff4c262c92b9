import { type Collation, isSameCollation } from "../bson/collation.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber } from "../bson/number.ts";
import { BsonSymbol, type BsonValue, isDocument, UNDEFINED } from "../bson/values.ts";
import type { CollectionIndex, IndexField } from "../engine/collection-index.ts";
import { EVERY_KEY, HIGHEST_KEY, type KeyInterval } from "../engine/ordered-entries.ts";
import { isSimple, type PathPredicate } from "./predicates.ts";

/** Above this number of points, a scan of the index is as fast. */
const MAX_POINTS = 10_000;

export interface IndexBounds {
  /** In key order, without overlap. */
  readonly intervals: readonly KeyInterval[];
  /** Number of leading fields with exactly one value. */
  readonly fixedFields: number;
  /** The paths whose predicates are used. */
  readonly paths: ReadonlySet<string>;
  /** True if every entry in the intervals satisfies the used predicates. */
  readonly isExact: boolean;
  /** True if all used predicates exclude documents without the field. */
  readonly excludesMissing: boolean;
}

/** Returns the intervals of an index that contain every document that can satisfy the predicates. */
export function boundsFor(
  index: CollectionIndex,
  predicates: ReadonlyMap<string, PathPredicate>,
  collation?: Collation,
): IndexBounds {
  let prefixes = [""];
  let fixedFields = 0;
  let isExact = !index.isMultikey;
  let excludesMissing = false;
  const paths = new Set<string>();
  const heads = new Set<string>();
  for (const field of index.fields) {
    const predicate = servedPart(index, predicates.get(field.path), collation);
    // In a multikey index, different elements may satisfy two paths below one array.
    if (predicate === undefined || (index.isMultikey && heads.has(field.parts[0]!))) break;
    const points = predicate.equals && pointKeys(index, field, predicate.equals);
    if (points !== undefined && points.length * prefixes.length <= MAX_POINTS) {
      prefixes = prefixes.flatMap((prefix) => points.map((point) => prefix + point));
      if (prefixes.length === 1 && fixedFields === paths.size) fixedFields += 1;
      isExact &&= predicate.equals!.every(isSimple) && !predicate.low && !predicate.high;
      isExact &&= predicate.exists === undefined;
      excludesMissing ||= !predicate.equals!.includes(null);
      paths.add(field.path);
      heads.add(field.parts[0]!);
      continue;
    }
    const range = rangeKeys(index, field, predicate);
    if (range === null) break;
    paths.add(field.path);
    isExact &&= !predicate.equals && predicate.exists === undefined;
    const intervals = prefixes.map((prefix) => ({ low: prefix + range.low, high: prefix + range.high }));
    return { intervals: inOrder(intervals), fixedFields, paths, isExact, excludesMissing: true };
  }
  const intervals =
    paths.size === 0 ? [EVERY_KEY] : prefixes.map((prefix) => ({ low: prefix, high: prefix + HIGHEST_KEY }));
  return { intervals: inOrder(intervals), fixedFields, paths, isExact, excludesMissing };
}

/**
 * Returns the part of a predicate that the index can serve under the query's collation; undefined if none. Values
 * without strings compare the same under every collation; an index with a collation serves equality of strings, but
 * not their order.
 */
function servedPart(
  index: CollectionIndex,
  predicate: PathPredicate | undefined,
  collation: Collation | undefined,
): PathPredicate | undefined {
  if (predicate === undefined || (index.collation === undefined && collation === undefined)) return predicate;
  const { equals, low, high } = predicate;
  const isEqualityServed = isSameCollation(index.collation, collation) || !equals?.some(mayHoldText);
  if (isEqualityServed && !mayHoldText(low?.value) && !mayHoldText(high?.value)) return predicate;
  return isEqualityServed && equals !== undefined
    ? { ...predicate, low: undefined, high: undefined }
    : undefined;
}

const mayHoldText = (value: BsonValue | undefined): boolean =>
  typeof value === "string" || value instanceof BsonSymbol || isDocument(value) || Array.isArray(value);

const inOrder = (intervals: KeyInterval[]): KeyInterval[] =>
  intervals.length < 2 ? intervals : intervals.sort((a, b) => (a.low < b.low ? -1 : 1));

/** Returns the distinct keys of values. `null` also covers missing and undefined values. */
function pointKeys(
  index: CollectionIndex,
  { direction }: IndexField,
  values: readonly BsonValue[],
): string[] {
  if (values.length === 1 && values[0] !== null) return [index.searchKey(values[0]!, direction)];
  const keys = new Set<string>();
  for (const value of values) {
    keys.add(index.searchKey(value, direction));
    if (value === null) keys.add(indexKey([UNDEFINED], [direction]));
  }
  return [...keys];
}

/**
 * Returns the interval of one field's keys; null if the predicate has no range. In a multikey index, one element
 * may satisfy the lower end and another the upper, so only one end can be used.
 */
function rangeKeys(
  { isMultikey }: CollectionIndex,
  { direction }: IndexField,
  { low, high }: PathPredicate,
): KeyInterval | null {
  const first = low ?? high;
  if (first === undefined) return null;
  const upper = low !== undefined && isMultikey ? undefined : high;
  const ends: KeyInterval[] = [];
  for (const end of [low, upper]) {
    if (end === undefined) continue;
    ends.push(typeKeys(end.value, direction));
    const key = indexKey([end.value], [direction]);
    const behind = key + HIGHEST_KEY;
    const isLower = (end === low) === (direction === 1);
    if (isLower) ends.push({ low: end.isInclusive ? key : behind, high: HIGHEST_KEY });
    else ends.push({ low: "", high: end.isInclusive ? behind : key });
  }
  return {
    low: ends.map((end) => end.low).reduce((a, b) => (a > b ? a : b)),
    high: ends.map((end) => end.high).reduce((a, b) => (a < b ? a : b)),
  };
}

/**
 * The interval of all keys of a value's type: ranges never cross types. NaN sorts below all numbers but is in no
 * range.
 */
function typeKeys(value: BsonValue, direction: 1 | -1): KeyInterval {
  const type = indexKey([value], [direction]).charCodeAt(0);
  const keys = { low: String.fromCharCode(type), high: String.fromCharCode(type + 1) };
  if (!isNumber(value)) return keys;
  const notANumber = indexKey([Number.NaN], [direction]);
  return direction === 1 ? { ...keys, low: notANumber + HIGHEST_KEY } : { ...keys, high: notANumber };
}

import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { isNumber } from "../bson/number.ts";
import { BsonDate, type BsonDocument, type BsonValue, documentOf, ObjectId } from "../bson/values.ts";
import type { CollectionIndex } from "../engine/collection-index.ts";
import { showValue } from "../engine/show-value.ts";
import { boundsFor } from "./intervals.ts";
import { type PathPredicate, predicatesOf, type RangeEnd } from "./predicates.ts";

interface Bound {
  readonly text: string;
  readonly isInclusive: boolean;
}

interface Interval {
  readonly low: Bound;
  readonly high: Bound;
}

const included = (text: string): Bound => ({ text, isInclusive: true });
const EVERYTHING: Interval = { low: included("MinKey"), high: included("MaxKey") };

/**
 * Returns the intervals per field that an index scan reads, as in `explain`: `{ a: ["[1, 1]", "[3, 3]"] }`.
 */
export function explainBounds(
  index: CollectionIndex,
  filter: BsonDocument,
  { collation, isBackwards }: { collation: Collation | undefined; isBackwards: boolean },
): BsonDocument {
  const { paths } = predicatesOf(filter);
  const used = boundsFor(index, paths, collation).paths;
  const bounds = documentOf({});
  for (const { path, direction } of index.fields) {
    const intervals = used.has(path) ? intervalsOf(paths.get(path)!, index.isMultikey) : [EVERYTHING];
    const isReversed = (direction === -1) !== isBackwards;
    const texts = intervals.map((interval) => textOf(interval, isReversed));
    bounds.set(path, isReversed ? texts.reverse() : texts);
  }
  return bounds;
}

function intervalsOf({ equals, low, high }: PathPredicate, isMultikey: boolean): Interval[] {
  if (equals !== undefined) {
    return equals
      .toSorted((a, b) => compareValues(a, b))
      .map((value) => {
        const bound = included(showValue(value));
        return { low: bound, high: bound };
      });
  }
  // In a multikey index, one element may satisfy the lower end and another the upper.
  const upper = low !== undefined && isMultikey ? undefined : high;
  const [least, greatest] = limitsOf((low ?? upper)!.value);
  return [{ low: low ? boundOf(low) : least, high: upper ? boundOf(upper) : greatest }];
}

const boundOf = ({ value, isInclusive }: RangeEnd): Bound => ({ text: showValue(value), isInclusive });

/** A range never leaves the type of its bound. */
function limitsOf(value: BsonValue): [Bound, Bound] {
  if (isNumber(value)) return [included("-inf.0"), included("inf.0")];
  if (value instanceof BsonDate)
    return [included("new Date(-9223372036854775808)"), included("new Date(9223372036854775807)")];
  if (value instanceof ObjectId)
    return [included(`ObjectId('${"0".repeat(24)}')`), included(`ObjectId('${"f".repeat(24)}')`)];
  return [included('""'), { text: "{}", isInclusive: false }];
}

function textOf({ low, high }: Interval, isReversed: boolean): string {
  const [from, to] = isReversed ? [high, low] : [low, high];
  return `${from.isInclusive ? "[" : "("}${from.text}, ${to.text}${to.isInclusive ? "]" : ")"}`;
}

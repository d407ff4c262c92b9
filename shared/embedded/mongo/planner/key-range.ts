import { CommandFault, unsupported } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { CollectionIndex } from "../engine/collection-index.ts";
import type { KeyInterval } from "../engine/ordered-entries.ts";

/**
 * The options `min` (inclusive) and `max` (exclusive) of a find: an interval in the order of the hinted index.
 */
export interface KeyRange {
  readonly min: BsonDocument;
  readonly max: BsonDocument;
}

/** Returns the part of the intervals inside the range. */
export function withinRange(
  index: CollectionIndex,
  intervals: readonly KeyInterval[],
  { min, max }: KeyRange,
): KeyInterval[] {
  if (index.collation !== undefined) throw unsupported("min()/max() on an index with a collation");
  const low = min.size === 0 ? "" : index.prefixOf(valuesFor(index, min));
  const high = max.size === 0 ? null : index.prefixOf(valuesFor(index, max));
  return intervals
    .map((interval) => ({
      low: interval.low > low ? interval.low : low,
      high: high !== null && high < interval.high ? high : interval.high,
    }))
    .filter((interval) => interval.low < interval.high);
}

function valuesFor({ fields, name }: CollectionIndex, bound: BsonDocument): BsonValue[] {
  const paths = [...bound.keys()];
  const fits = paths.length === fields.length && fields.every(({ path }, i) => path === paths[i]);
  if (fits) return [...bound.values()];
  throw new CommandFault(
    51174,
    `The min()/max() of a find must name the fields of the hinted index ${name}, in its order`,
  );
}

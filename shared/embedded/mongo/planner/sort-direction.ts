import { isNumber, toDouble } from "../bson/number.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { IndexField } from "../engine/collection-index.ts";

export type SortDirection = "forwards" | "backwards";

/**
 * Returns the direction in which the order of an index equals the sort; null if in neither.
 *
 * @param fixed paths with a single value in all results: their position in the sort does not matter
 */
export function sortDirection(
  fields: readonly IndexField[],
  fixed: ReadonlySet<string>,
  sort: BsonDocument,
): SortDirection | null {
  const open = fields.filter(({ path }) => !fixed.has(path));
  let result: SortDirection | null = null;
  let at = 0;
  for (const [path, order] of sort) {
    if (fixed.has(path)) continue;
    const field = open[at++];
    const wanted = isNumber(order) ? toDouble(order) : Number.NaN;
    if (field === undefined || field.path !== path || (wanted !== 1 && wanted !== -1)) return null;
    const direction: SortDirection = field.direction === wanted ? "forwards" : "backwards";
    if (result !== null && result !== direction) return null;
    result = direction;
  }
  return result ?? "forwards";
}

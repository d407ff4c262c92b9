import type { Collation } from "../bson/collation.ts";
import { compareValues, rankOf } from "../bson/compare.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { type PathPredicate, predicatesOf, type RangeEnd } from "./predicates.ts";

/** Returns true if every document that the filter accepts also satisfies the filter of the partial index. */
export function impliesPartial(
  filter: ReadonlyMap<string, PathPredicate>,
  partial: BsonDocument,
  collation?: Collation,
): boolean {
  const demands = predicatesOf(partial);
  for (const [path, demand] of demands.paths) {
    const given = filter.get(path);
    if (given === undefined || !implies(given, demand, collation)) return false;
  }
  return demands.isComplete;
}

function implies(given: PathPredicate, demand: PathPredicate, collation: Collation | undefined): boolean {
  if (demand.exists === false) return false;
  if (demand.exists && !impliesExistence(given)) return false;
  if (demand.equals !== undefined) {
    const accepted = demand.equals;
    const isIncluded = (value: BsonValue) =>
      accepted.some((other) => compareValues(value, other, collation) === 0);
    if (!given.equals?.every(isIncluded)) return false;
  }
  const impliesAt = (side: "low" | "high") => impliesEnd(given, side, { demand: demand[side], collation });
  return impliesAt("low") && impliesAt("high");
}

/** `{ $in: [null] }` and `{ field: null }` accept documents without the field. */
function impliesExistence({ equals, low, high, exists }: PathPredicate): boolean {
  if (exists || low !== undefined || high !== undefined) return true;
  return equals?.every((value) => value !== null) ?? false;
}

function impliesEnd(
  given: PathPredicate,
  side: "low" | "high",
  { demand, collation }: { demand: RangeEnd | undefined; collation: Collation | undefined },
): boolean {
  if (demand === undefined) return true;
  const sign = side === "low" ? 1 : -1;
  const isInside = (value: BsonValue, isInclusive: boolean): boolean => {
    if (rankOf(value) !== rankOf(demand.value)) return false;
    const order = compareValues(value, demand.value, collation) * sign;
    return order > 0 || (order === 0 && (demand.isInclusive || !isInclusive));
  };
  if (given.equals?.every((value) => isInside(value, true))) return true;
  const end = given[side];
  return end !== undefined && isInside(end.value, end.isInclusive);
}

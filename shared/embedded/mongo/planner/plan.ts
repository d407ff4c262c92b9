import { type Collation, isSameCollation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { Collection } from "../engine/collection.ts";
import type { CollectionIndex } from "../engine/collection-index.ts";
import type { KeyInterval } from "../engine/ordered-entries.ts";
import { boundsFor, type IndexBounds } from "./intervals.ts";
import { type KeyRange, withinRange } from "./key-range.ts";
import { impliesPartial } from "./partial-index.ts";
import { type FilterPredicates, predicatesOf } from "./predicates.ts";
import { type SortDirection, sortDirection } from "./sort-direction.ts";

export interface Query {
  readonly filter: BsonDocument;
  /** Path to 1 or -1; empty for no order. */
  readonly sort: BsonDocument;
  /** Maximum number of results; Infinity for all. */
  readonly limit: number;
  readonly hint?: BsonValue | undefined;
  readonly keyRange?: KeyRange | undefined;
  readonly collation?: Collation | undefined;
}

export interface Plan {
  /** null: a scan of the whole collection in natural order. */
  readonly index: CollectionIndex | null;
  readonly intervals: readonly KeyInterval[];
  readonly isBackwards: boolean;
  /** True if candidates need not be matched against the filter. */
  readonly isExact: boolean;
  readonly isSorted: boolean;
  /** One plan per branch of an `$or`; the candidates are the union. Empty for other plans. */
  readonly branches: readonly Plan[];
}

interface Candidate extends Plan {
  readonly cost: number;
}

/** Reading, decoding and matching a document costs about as much as reading three index entries. */
const DOCUMENT_COST = 3;

/** Chooses the plan of a query with the lowest estimated number of index entries and documents. */
export function planQuery(collection: Collection, query: Query): Plan {
  const { hint } = query;
  if (isNatural(hint)) return naturalPlan(collection, query, Number(hint.get("$natural")) < 0);
  if (query.sort.has("$natural")) return naturalPlan(collection, query, false);
  const predicates = predicatesOf(query.filter);
  if (hint !== undefined) return hintedPlan(collection, query, predicates);
  if (predicates.paths.get("_id")?.equals?.length === 1) {
    const plan = idPlan(collection, query, predicates);
    if (plan !== null) return plan;
  }
  const natural = naturalPlan(collection, query, false);
  const indexed = cheapestIndex(collection, query, predicates) ?? natural;
  const best = indexed.cost < natural.cost ? indexed : natural;
  const union = unionPlan(collection, query);
  return union !== null && union.cost < best.cost ? union : best;
}

/** Most writes find their document by `_id`: no plan is cheaper, and one document needs no sort. */
function idPlan(
  { idIndex }: Collection,
  { collation }: Query,
  { paths, isComplete }: FilterPredicates,
): Plan | null {
  const { intervals, isExact, paths: used } = boundsFor(idIndex, paths, collation);
  // Under another collation than the index's, several ids may be equal.
  if (used.size === 0) return null;
  return {
    index: idIndex,
    intervals,
    isBackwards: false,
    isExact: isExact && isComplete && paths.size === 1,
    isSorted: true,
    branches: [],
  };
}

function cheapestIndex(collection: Collection, query: Query, predicates: FilterPredicates): Candidate | null {
  let best: Candidate | null = null;
  for (const index of collection.indexes) {
    if (!index.isReady || index.isHidden) continue;
    const next = candidate(index, query, predicates);
    if ((best === null || next.cost < best.cost) && isAdmissible(index, next, { predicates, query }))
      best = next;
  }
  return best;
}

/** Plans an `$or` whose branches all have an index. */
function unionPlan(collection: Collection, { filter, collation }: Query): Candidate | null {
  const alternatives = filter.get("$or");
  if (!Array.isArray(alternatives)) return null;
  const others = new Map([...filter].filter(([name]) => name !== "$or"));
  const branches: Candidate[] = [];
  for (const alternative of alternatives) {
    const branch: BsonDocument = new Map([...others, ["$and", [alternative]]]);
    const query = { filter: branch, sort: NO_SORT, limit: Number.POSITIVE_INFINITY, collation };
    const plan = cheapestIndex(collection, query, predicatesOf(branch));
    if (plan === null) return null;
    branches.push(plan);
  }
  const cost = branches.reduce((sum, branch) => sum + branch.cost, 0);
  return { index: null, intervals: [], isBackwards: false, isExact: false, isSorted: false, branches, cost };
}

const NO_SORT: BsonDocument = new Map();

function naturalPlan(collection: Collection, query: Query, isBackwards: boolean): Candidate {
  const isSorted = query.sort.size === 0 || query.sort.has("$natural");
  const isExact = query.filter.size === 0;
  const backwards = isBackwards || Number(query.sort.get("$natural") ?? 1) < 0;
  const size = collection.records.size;
  const touched = isSorted && isExact ? Math.min(size, query.limit) : size;
  return {
    index: null,
    intervals: [],
    isBackwards: backwards,
    isExact,
    isSorted,
    branches: [],
    cost: touched * DOCUMENT_COST + 1,
  };
}

function candidate(
  index: CollectionIndex,
  query: Query,
  predicates: FilterPredicates,
): Candidate & { bounds: IndexBounds; isUseful: boolean } {
  const bounds = boundsFor(index, predicates.paths, query.collation);
  const direction = query.sort.size === 0 ? "forwards" : orderOf(index, bounds, query);
  const isSorted = direction !== null;
  const isExact = bounds.isExact && predicates.isComplete && bounds.paths.size === predicates.paths.size;
  let touched = entriesIn(index, bounds.intervals);
  // Sorted results are read until the limit; with an additional filter, the number of entries is an estimate.
  if (isSorted && query.limit < touched) touched = isExact ? query.limit : Math.max(query.limit, touched / 2);
  const cost = touched * (isExact ? 1.2 : DOCUMENT_COST + 0.2) + (isSorted ? 0 : touched);
  const isUseful = bounds.paths.size > 0 || (isSorted && query.sort.size > 0);
  return {
    index,
    intervals: bounds.intervals,
    isBackwards: direction === "backwards",
    isExact,
    isSorted,
    branches: [],
    cost,
    bounds,
    isUseful,
  };
}

/** A sparse or partial index serves only filters that exclude the documents that it does not contain. */
function isAdmissible(
  index: CollectionIndex,
  { bounds, isUseful }: { bounds: IndexBounds; isUseful: boolean },
  { predicates: { paths }, query }: { predicates: FilterPredicates; query: Query },
): boolean {
  if (!isUseful) return false;
  if (index.isSparse && !bounds.excludesMissing) return false;
  if (index.partialFilter === null) return true;
  return (
    isSameCollation(index.collation, query.collation) &&
    impliesPartial(paths, index.partialFilter, query.collation)
  );
}

function entriesIn(
  { entries, isUnique, fields }: CollectionIndex,
  intervals: readonly KeyInterval[],
): number {
  if (isUnique && fields.length === 1 && intervals.length > 8) return intervals.length;
  const sample = intervals.slice(0, 8);
  const found = sample.reduce((sum, interval) => sum + entries.estimate(interval), 0);
  return (found / Math.max(1, sample.length)) * intervals.length;
}

/** The direction in which the index returns entries in sort order; null if in neither. */
function orderOf(
  index: CollectionIndex,
  bounds: IndexBounds,
  { sort, collation }: Query,
): SortDirection | null {
  // An array sorts by its smallest or largest element, but the index has entries for all elements.
  if (index.isMultikey) return null;
  const fixed = new Set(index.fields.slice(0, bounds.fixedFields).map(({ path }) => path));
  // An index with a collation has no order of strings, so it serves a sort only by fields with a single
  // value.
  const isOrdered = index.collation === undefined && collation === undefined;
  return sortDirection(isOrdered ? index.fields : [], fixed, sort);
}

function hintedPlan(collection: Collection, query: Query, predicates: FilterPredicates): Plan {
  const index = hintedIndex(collection, query.hint!);
  const plan = candidate(index, query, predicates);
  return query.keyRange === undefined
    ? plan
    : { ...plan, intervals: withinRange(index, plan.intervals, query.keyRange) };
}

function hintedIndex(collection: Collection, hint: BsonValue): CollectionIndex {
  const index = collection.indexes.find(({ name, definition }) =>
    typeof hint === "string"
      ? name === hint
      : hint instanceof Map && compareValues(definition.get("key")!, hint) === 0,
  );
  if (index?.isReady && !index.isHidden) return index;
  throw new CommandFault(
    2,
    "error processing query: planner returned error: hint provided does not correspond to an existing index",
  );
}

const isNatural = (hint: BsonValue | undefined): hint is BsonDocument =>
  hint instanceof Map && hint.has("$natural");

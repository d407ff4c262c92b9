import type { Collation } from "../../bson/collation.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { CollectionIndex } from "../../engine/collection-index.ts";
import type { Plan } from "../../planner/plan.ts";
import { isSimple } from "../../planner/predicates.ts";
import { shownBounds } from "../../planner/shown-bounds.ts";
import type { ExplainedQuery } from "./explained-query.ts";

interface Explained {
  readonly collection: Collection;
  readonly query: ExplainedQuery;
  readonly collation: Collation | undefined;
}

/** A plan as `explain` shows it: its stages, from the last one to the scan. */
export function shownPlan(plan: Plan, explained: Explained): BsonDocument {
  const { filter, sort, skip, limit } = explained.query;
  if (isById(plan, explained)) return documentOf({ stage: "IDHACK" });
  let shown = shownScan(plan, plan.isExact ? undefined : filter, explained);
  if (!plan.isSorted && sort.size > 0)
    shown = documentOf({ stage: "SORT", sortPattern: sort, inputStage: shown });
  if (skip > 0) shown = documentOf({ stage: "SKIP", skipAmount: skip, inputStage: shown });
  if (limit < Number.POSITIVE_INFINITY && (plan.isSorted || sort.size === 0))
    shown = documentOf({ stage: "LIMIT", limitAmount: limit, inputStage: shown });
  return shown;
}

/** A query for one document by nothing but its `_id`. */
function isById({ index }: Plan, { collection, query: { filter, hint } }: Explained): boolean {
  const id = filter.get("_id");
  return index === collection.idIndex && filter.size === 1 && hint === undefined && isPlain(id);
}

const isPlain = (id: BsonValue | undefined): boolean => {
  const value = isDocument(id) && id.size === 1 ? id.get("$eq") : id;
  return value !== undefined && isSimple(value);
};

function shownScan(plan: Plan, filter: BsonDocument | undefined, explained: Explained): BsonDocument {
  const { index, isBackwards, branches } = plan;
  if (branches.length > 0) {
    const inputStages = branches.map((branch, at) => shownBranch(branch, at, explained));
    return documentOf({ stage: "FETCH", filter, inputStage: documentOf({ stage: "OR", inputStages }) });
  }
  if (index === null)
    return documentOf({ stage: "COLLSCAN", filter, direction: isBackwards ? "backward" : "forward" });
  return documentOf({
    stage: "FETCH",
    filter,
    inputStage: indexScan(index, isBackwards, { filter: explained.query.filter, explained }),
  });
}

/** One alternative of an `$or`, with what stands beside it. */
function shownBranch({ index, isBackwards }: Plan, at: number, explained: Explained): BsonDocument {
  const { filter } = explained.query;
  const alternative = (filter.get("$or") as BsonValue[])[at]!;
  const others = new Map([...filter].filter(([name]) => name !== "$or"));
  const whole: BsonDocument = new Map([...others, ["$and", [alternative]]]);
  return indexScan(index!, isBackwards, { filter: whole, explained });
}

function indexScan(
  index: CollectionIndex,
  isBackwards: boolean,
  { filter, explained }: { filter: BsonDocument; explained: Explained },
): BsonDocument {
  return documentOf({
    stage: "IXSCAN",
    keyPattern: index.definition.get("key"),
    indexName: index.name,
    isMultiKey: index.isMultikey,
    isUnique: index.isUnique,
    isSparse: index.isSparse,
    isPartial: index.partialFilter !== null,
    collation: index.collation?.spec,
    direction: isBackwards ? "backward" : "forward",
    indexBounds: shownBounds(index, filter, { collation: explained.collation, isBackwards }),
  });
}

import type { Collation } from "../../bson/collation.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { CollectionIndex } from "../../engine/collection-index.ts";
import { explainBounds } from "../../planner/explain-bounds.ts";
import type { Plan } from "../../planner/plan.ts";
import { isSimple } from "../../planner/predicates.ts";
import type { ExplainedQuery } from "./explained-query.ts";

interface Explained {
  readonly collection: Collection;
  readonly query: ExplainedQuery;
  readonly collation: Collation | undefined;
}

/** A plan as `explain` returns it: its stages, from the last one to the scan. */
export function explainPlan(plan: Plan, explained: Explained): BsonDocument {
  const { filter, sort, skip, limit } = explained.query;
  if (isById(plan, explained)) return documentOf({ stage: "IDHACK" });
  let stage = explainScan(plan, plan.isExact ? undefined : filter, explained);
  if (!plan.isSorted && sort.size > 0)
    stage = documentOf({ stage: "SORT", sortPattern: sort, inputStage: stage });
  if (skip > 0) stage = documentOf({ stage: "SKIP", skipAmount: skip, inputStage: stage });
  if (limit < Number.POSITIVE_INFINITY && (plan.isSorted || sort.size === 0))
    stage = documentOf({ stage: "LIMIT", limitAmount: limit, inputStage: stage });
  return stage;
}

/** A query for one document by its `_id` alone. */
function isById({ index }: Plan, { collection, query: { filter, hint } }: Explained): boolean {
  const id = filter.get("_id");
  return index === collection.idIndex && filter.size === 1 && hint === undefined && isPlain(id);
}

const isPlain = (id: BsonValue | undefined): boolean => {
  const value = isDocument(id) && id.size === 1 ? id.get("$eq") : id;
  return value !== undefined && isSimple(value);
};

function explainScan(plan: Plan, filter: BsonDocument | undefined, explained: Explained): BsonDocument {
  const { index, isBackwards, branches } = plan;
  if (branches.length > 0) {
    const inputStages = branches.map((branch, at) => explainBranch(branch, at, explained));
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

/** One branch of an `$or`, with the conditions next to the `$or`. */
function explainBranch({ index, isBackwards }: Plan, at: number, explained: Explained): BsonDocument {
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
    indexBounds: explainBounds(index, filter, { collation: explained.collation, isBackwards }),
  });
}

import { compareValues } from "../../bson/compare.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument, typeOf } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { LazyDocument } from "../../engine/lazy-document.ts";
import type { Transaction } from "../../engine/transaction.ts";
import { type CompiledQuery, compileQuery, type QuerySpec, type Row } from "../../planner/rows.ts";
import { matchedArrayIndex } from "../../query/match.ts";
import type { ClusterTime } from "../../session/cluster-time.ts";
import { compileUpdate, upsertSeed } from "../../update/update.ts";
import type { Update } from "../../update/update-options.ts";
import { documentToStore, requireIdFields, requireIdType, withIdFirst } from "./documents-to-store.ts";

export interface UpdateSpec {
  readonly update: BsonValue;
  readonly arrayFilters?: readonly BsonDocument[] | undefined;
  readonly isMulti: boolean;
  readonly clusterTime: Pick<ClusterTime, "tick">;
}

/** A checked and compiled update with its query. */
export interface UpdatePlan {
  readonly query: CompiledQuery;
  readonly apply: Update;
  /** First parts of the paths that the update can change; null for any path. */
  readonly heads: ReadonlySet<string> | null;
  readonly usesPosition: boolean;
}

export function planUpdate(
  spec: QuerySpec,
  { update, arrayFilters, isMulti, clusterTime }: UpdateSpec,
): UpdatePlan {
  const isOperators = isDocument(update) && update.keys().next().value?.startsWith("$") === true;
  if (isMulti && isDocument(update) && !isOperators) {
    throw new CommandFault(9, "multi update is not supported for replacement-style update");
  }
  const { scope, collation } = spec;
  return {
    query: compileQuery(spec),
    apply: compileUpdate(update, {
      arrayFilters,
      scope,
      collation,
      nextTimestamp: () => clusterTime.tick(),
    }),
    heads: isOperators ? headsOf(update) : null,
    usesPosition: isOperators && usesPosition(update),
  };
}

function headsOf(update: BsonDocument): Set<string> {
  const heads = new Set<string>();
  for (const [operator, fields] of update) {
    if (!isDocument(fields)) continue;
    for (const [path, value] of fields) {
      heads.add(path.split(".")[0]!);
      if (operator === "$rename" && typeof value === "string") heads.add(value.split(".")[0]!);
    }
  }
  return heads;
}

const usesPosition = (update: BsonDocument): boolean =>
  [...update.values()].some(
    (fields) => isDocument(fields) && [...fields.keys()].some((path) => /\.\$(\.|$)/.test(path)),
  );

/** Changes one document. Returns null if the update has no effect. */
export function changeRow(
  { query, apply, heads, usesPosition }: UpdatePlan,
  { transaction, collection, row }: { transaction: Transaction; collection: Collection; row: Row },
): LazyDocument | null {
  const { record, source } = row;
  const before = source.document;
  const id = before.get("_id")!;
  const matchedIndex = usesPosition ? matchedArrayIndex(query.match, before) : undefined;
  const { doc, changed } = apply(before, { isInsert: false, matchedIndex });
  if (!changed) return null;
  const after = withId(doc, id);
  const stored = documentToStore(after);
  collection.update(transaction, { record, source: stored, heads });
  return stored;
}

/** A replacement may omit `_id`, but no update may change it. */
function withId(document: BsonDocument, id: BsonValue): BsonDocument {
  const given = document.get("_id");
  if (given === undefined && !document.has("_id")) return new Map([["_id", id], ...document]);
  if (given === id || (typeOf(given!) === typeOf(id) && compareValues(given!, id) === 0))
    return withIdFirst(document);
  throw new CommandFault(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
}

/** Inserts the document that an upsert builds from its filter and its update. */
export function insertUpsert(
  { query, apply }: UpdatePlan,
  transaction: Transaction,
  collection: Collection,
): { id: BsonValue; stored: LazyDocument } {
  const seed = upsertSeed(query.spec.filter);
  const { doc } = apply(seed, { isInsert: true, matchedIndex: undefined });
  const document = withIdFirst(doc);
  const id = document.get("_id")!;
  requireIdType(typeOf(id));
  const stored = documentToStore(document);
  requireIdFields(stored.bytes);
  collection.insert(transaction, stored);
  return { id, stored };
}

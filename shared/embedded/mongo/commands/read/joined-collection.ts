import type { JoinedCollection } from "../../aggregate/environment.ts";
import type { BsonDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { Pace } from "../../pacing/pace.ts";
import { compileQuery, type QuerySpec, type Row, Rows } from "../../planner/rows.ts";
import type { BatchView } from "./collection-source.ts";

/** A collection as joins search it. */
export function joinedCollection(
  collection: Collection,
  { view, slice, collation }: Pick<QuerySpec, "collation"> & { view: BatchView; slice: Pace },
): JoinedCollection {
  return {
    size: collection.records.size,
    find: async (filter) => {
      const rows = new Rows(collection, compileQuery({ filter, collation }), { view: () => view.current });
      return rows.plan.index === null && rows.plan.branches.length === 0 ? null : inNaturalOrder(rows, slice);
    },
  };
}

async function inNaturalOrder(rows: Rows, slice: Pace): Promise<BsonDocument[]> {
  const found: Row[] = [];
  for (;;) {
    const next = rows.next(slice);
    const row = next instanceof Promise ? await next : next;
    if (row === null) break;
    found.push(row);
  }
  return found.sort((a, b) => a.record.id - b.record.id).map(({ source }) => source.document);
}

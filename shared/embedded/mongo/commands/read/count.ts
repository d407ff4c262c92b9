import type { Collation } from "../../bson/collation.ts";
import { compareValues, equalValues } from "../../bson/compare.ts";
import { indexKey } from "../../bson/key.ts";
import { type BsonDocument, BsonUndefined, type BsonValue } from "../../bson/values.ts";
import { keyValuesAt, type Path, parsePath } from "../../fields/path.ts";
import { sortPaced } from "../../fields/sort-paced.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { type CompiledQuery, compileQuery, Rows } from "../../planner/rows.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { stagesOfQuery } from "../catalog/views.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "../request/context.ts";
import { scopeOf } from "../request/variables.ts";
import { pipelineResults } from "./aggregate.ts";
import { countRows, withView } from "./count-rows.ts";

function countQuery(context: CommandContext): CompiledQuery {
  const { args } = context;
  const collation = collationOf(context, args.collection(), args);
  const filter = args.document("query");
  return compileQuery({ filter, hint: args.hint(), collation, scope: scopeOf(context, collation) });
}

const isView = ({ server, database }: CommandContext, name: string): boolean =>
  server.engine.catalog.find(database, name)?.view != null;

async function count(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  const query = countQuery(context);
  // A negative limit means its absolute value, as in the legacy shell.
  const limit = Math.abs(args.number("limit", 0)) || Number.POSITIVE_INFINITY;
  const skip = args.count("skip", 0);
  if (isView(context, name)) {
    let n = 0;
    for await (const _ of pipelineResults(context, name, stagesOfQuery(args))) n += 1;
    return replyOf({ n: Math.min(limit, Math.max(0, n - skip)) });
  }
  const collection = findCollection(context, name);
  if (collection === undefined) return replyOf({ n: 0 });
  const slice = timeSliceOf(context);
  return replyOf({
    n: await withView(context, (view) => countRows({ collection, query, view, slice, skip, limit })),
  });
}

async function distinct(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  const path = parsePath(args.text("key"));
  const query = countQuery(context);
  const atClusterTime = context.snapshot?.time;
  const slice = timeSliceOf(context);
  if (isView(context, name)) {
    const values = new DistinctValues(query.spec.collation);
    for await (const document of pipelineResults(context, name, stagesOfQuery(args)))
      values.addFrom(document, path);
    return replyOf({ values: await values.inOrder(slice), atClusterTime });
  }
  const collection = findCollection(context, name);
  if (collection === undefined) return replyOf({ values: [], atClusterTime });
  const values = new DistinctValues(query.spec.collation);
  await withView(context, async (view) => {
    const rows = new Rows(collection, query, { view: () => view });
    for (;;) {
      const next = rows.next(slice);
      const row = next instanceof Promise ? await next : next;
      if (row === null) return;
      values.addFrom(row.source.document, path);
    }
  });
  return replyOf({ values: await values.inOrder(slice), atClusterTime });
}

/** Distinct values; strings that are equal under the collation count as one. */
class DistinctValues {
  readonly #list: BsonValue[] = [];
  readonly #keys = new Set<string>();
  readonly #collation: Collation | undefined;

  constructor(collation: Collation | undefined) {
    this.#collation = collation;
  }

  /** Missing fields have no value; an array contributes its elements. */
  addFrom(document: BsonDocument, path: Path): void {
    for (const value of keyValuesAt(document, path)) {
      if (value instanceof BsonUndefined || (value === null && !hasNull(document, path.parts))) continue;
      const key = indexKey([value], [1]);
      if (this.#keys.has(key) || this.#hasTwin(value)) continue;
      this.#keys.add(key);
      this.#list.push(value);
    }
  }

  /** MongoDB returns the values in order, and programs rely on that. */
  inOrder(slice: TimeSlice): Promise<BsonValue[]> {
    return sortPaced(this.#list, (a, b) => compareValues(a, b, this.#collation), slice);
  }

  #hasTwin(value: BsonValue): boolean {
    const collation = this.#collation;
    return collation !== undefined && this.#list.some((other) => equalValues(value, other, collation));
  }
}

/** `keyValuesAt` returns null for missing fields too. */
function hasNull(value: BsonValue | undefined, parts: readonly string[]): boolean {
  if (Array.isArray(value)) {
    const [first, ...rest] = parts;
    if (parts.length === 0) return value.includes(null);
    return value.some((item) => hasNull(item, parts)) || hasNull(value[Number(first)], rest);
  }
  if (parts.length === 0) return value === null;
  return value instanceof Map && hasNull(value.get(parts[0]!), parts.slice(1));
}

export const countCommands: CommandTable = {
  count: { run: count, readsAt: "every level but snapshot" },
  distinct: { run: distinct, inTransaction: true, readsAt: "every level" },
};

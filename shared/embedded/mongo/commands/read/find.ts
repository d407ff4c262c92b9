import { CommandFault, unsupported } from "../../bson/fault.ts";
import type { Collection } from "../../engine/collection.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import type { KeyRange } from "../../planner/key-range.ts";
import { type CompiledQuery, compileQuery, Rows, type Window } from "../../planner/rows.ts";
import type { ResultSource } from "../../server/cursors.ts";
import type { Reply } from "../../wire/reply.ts";
import { stagesOfFind } from "../catalog/views.ts";
import type { Arguments } from "../request/arguments.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, type CommandTable, findCollection } from "../request/context.ts";
import { listSource, replyWithCursor } from "../request/cursor-reply.ts";
import { scopeOf } from "../request/variables.ts";
import { replyWithPipeline } from "./aggregate.ts";
import { BatchView } from "./collection-source.ts";
import { type ResultFormat, resultFormat } from "./result-document.ts";

const REFUSED = ["tailable", "awaitData"];

export function findQuery(context: CommandContext): CompiledQuery {
  const { args } = context;
  for (const option of REFUSED) if (args.flag(option)) throw unsupported(`The find option '${option}'`);
  const collation = collationOf(context, args.collection(), args);
  return compileQuery({
    filter: args.document("filter"),
    sort: args.document("sort"),
    hint: args.hint(),
    keyRange: keyRangeOf(args),
    collation,
    scope: scopeOf(context, collation),
  });
}

/** @throws CommandFault 51173 without a hint, which names the index whose order is meant */
function keyRangeOf(args: Arguments): KeyRange | undefined {
  const range = { min: args.document("min"), max: args.document("max") };
  if (range.min.size + range.max.size === 0) return undefined;
  if (args.value("hint") === undefined)
    throw new CommandFault(51173, "When using min()/max() a hint of which index to use must be provided");
  return range;
}

function find(context: CommandContext): Promise<Reply> {
  const { args, database, server } = context;
  const name = args.collection();
  if (server.engine.catalog.find(database, name)?.view) return findInView(context, name);
  const query = findQuery(context);
  const format = resultFormat(args, query.spec);
  const skip = args.count("skip", 0);
  const limit = args.count("limit", 0) || Number.POSITIVE_INFINITY;
  const batchSize = args.value("batchSize") === undefined ? undefined : args.count("batchSize", 0);
  const isSingleBatch = args.flag("singleBatch");
  const collection = findCollection(context, name);
  return replyWithCursor(context, {
    namespace: `${database}.${name}`,
    source:
      collection === undefined
        ? listSource([])
        : documentSource(context, collection, { query, format, skip, limit }),
    batchSize,
    isSingleBatch,
  });
}

function findInView(context: CommandContext, name: string): Promise<Reply> {
  const { args } = context;
  return replyWithPipeline(context, {
    name,
    stages: stagesOfFind(args),
    batchSize: args.value("batchSize") === undefined ? undefined : args.count("batchSize", 0),
    isSingleBatch: args.flag("singleBatch"),
  });
}

/** The found documents as bytes. */
function documentSource(
  context: CommandContext,
  collection: Collection,
  { query, format, skip, limit }: Window & { query: CompiledQuery; format: ResultFormat },
): ResultSource {
  const view = new BatchView(context);
  const rows = new Rows(collection, query, { view: () => view.current, skip, limit });
  const next = (slice: TimeSlice): Uint8Array | null | Promise<Uint8Array | null> => {
    const row = rows.next(slice);
    if (row instanceof Promise) return row.then((found) => found && format(found, rows));
    return row && format(row, rows);
  };
  return {
    next,
    get isDone() {
      return rows.isDone;
    },
    begin: () => view.begin(),
    end: () => view.end(),
    close: () => view.close(),
  };
}

export const findCommands: CommandTable = {
  find: { run: find, inTransaction: true, readsAt: "every level" },
};

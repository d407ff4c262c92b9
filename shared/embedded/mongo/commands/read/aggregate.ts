import type { DocumentSource, PipelineEnvironment } from "../../aggregate/environment.ts";
import { compilePipeline, pushDown } from "../../aggregate/pipeline.ts";
import type { Collation } from "../../bson/collation.ts";
import { encodeDocument } from "../../bson/encode.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import { Scope } from "../../expression/scope.ts";
import type { Pace } from "../../pacing/pace.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { compileQuery, type QuerySpec } from "../../planner/rows.ts";
import type { ResultSource } from "../../server/cursors.ts";
import type { Reply } from "../../wire/reply.ts";
import { resolveName } from "../catalog/views.ts";
import { type Arguments, numberOf } from "../request/arguments.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "../request/context.ts";
import { cursorBatchSize, listSource, replyWithCursor } from "../request/cursor-reply.ts";
import { scopeOf } from "../request/variables.ts";
import { pipelineWriter } from "../write/pipeline-writer.ts";
import { BatchView, queriedDocuments } from "./collection-source.ts";
import { countedBy } from "./count-pipeline.ts";
import { countRows, withView } from "./count-rows.ts";
import { explainCommand } from "./explain.ts";
import { joinedCollection } from "./joined-collection.ts";
import { serverDiagnostics } from "./pipeline-diagnostics.ts";

/** One run of a pipeline: its namespace, its view of the data, and the time slice of its reader. */
interface Run {
  readonly context: CommandContext;
  /** null for a pipeline on the database itself. */
  readonly collectionName: string | null;
  readonly specs: readonly BsonValue[];
  readonly collation: Collation | undefined;
  readonly view: BatchView;
  readonly pace: { slice: TimeSlice } & Pace;
}

async function aggregate(context: CommandContext): Promise<Reply> {
  const { args } = context;
  if (args.value("explain") === undefined && args.value("cursor") === undefined)
    throw new CommandFault(
      9,
      "The 'cursor' option is required, except for aggregate with the explain argument",
    );
  if (args.flag("explain")) return explainCommand(context, args);
  return replyWithPipeline(context, {
    name: collectionNameOf(args),
    stages: args.list("pipeline"),
    batchSize: cursorBatchSize(context),
  });
}

export interface PipelineRequest {
  /** A collection or a view; null for the database itself. */
  readonly name: string | null;
  readonly stages: readonly BsonValue[];
  readonly batchSize: number | undefined;
  readonly isSingleBatch?: boolean;
}

/** Runs stages on a collection or view, and returns a cursor. */
export async function replyWithPipeline(
  context: CommandContext,
  { name, stages, batchSize, isSingleBatch = false }: PipelineRequest,
): Promise<Reply> {
  const { args, database } = context;
  const run = runOf(context, name, stages);
  const env = environmentOf(run);
  const { output, readsSource } = compilePipeline(run.specs, env);
  requireOutputAllowed(context, output);
  if (readsSource && name === null) {
    throw new CommandFault(73, "{aggregate: 1} is not valid for a pipeline that reads a collection");
  }
  if (output === undefined && args.value("writeConcern") !== undefined) {
    throw new CommandFault(72, "Aggregation without $out or $merge does not support writeConcern");
  }
  return replyWithCursor(context, {
    namespace: `${database}.${name ?? "$cmd.aggregate"}`,
    source: (await countSource(run, env)) ?? pipelineSource(run, env, readsSource),
    // A pipeline that ends with a write runs completely before the reply.
    batchSize: output === undefined ? batchSize : Math.max(1, batchSize ?? 1),
    isSingleBatch,
    slice: run.pace.slice,
  });
}

function requireOutputAllowed({ args, transaction }: CommandContext, output: string | undefined): void {
  if (output === undefined) return;
  if (transaction !== null) {
    throw new CommandFault(263, `Cannot run an aggregation with ${output} in a multi-document transaction.`);
  }
  if (args.document("readConcern").get("level") === "linearizable") {
    throw new CommandFault(72, `${output} cannot be used with a 'linearizable' read concern level`);
  }
}

function runOf(context: CommandContext, name: string | null, stages: readonly BsonValue[]): Run {
  const { database, server } = context;
  const resolved =
    name === null ? { name, stages: [] } : resolveName(server.engine.catalog, { database, name });
  return {
    context,
    collectionName: resolved.name,
    collation: collationOf(context, name, context.args),
    specs: resolved.stages.length === 0 ? stages : [...resolved.stages, ...stages],
    view: new BatchView(context),
    pace: paceOf(timeSliceOf(context)),
  };
}

/** The output documents of stages on a collection or view. */
export async function* pipelineResults(
  context: CommandContext,
  name: string,
  stages: readonly BsonValue[],
): AsyncGenerator<BsonDocument, void, undefined> {
  const run = runOf(context, name, stages);
  const source = sourceOf(run, environmentOf(run));
  run.view.begin();
  try {
    yield* source;
  } finally {
    run.view.end();
    run.view.close();
  }
}

/** null for `{ aggregate: 1 }`, a pipeline on the database itself. */
function collectionNameOf(args: Arguments): string | null {
  const name = args.value("aggregate");
  if (typeof name === "string") return args.collection();
  if (numberOf(name) === 1) return null;
  throw new CommandFault(
    9,
    "Invalid command format: the 'aggregate' field must specify a collection name or 1",
  );
}

const paceOf = (slice: TimeSlice): Run["pace"] => {
  const pace = { slice, isOver: () => pace.slice.isOver(), pause: () => pace.slice.pause() };
  return pace;
};

function environmentOf({ context, collectionName, collation, view, pace }: Run): PipelineEnvironment {
  const { database, server } = context;
  const env: PipelineEnvironment = {
    namespace: { db: database, ...(collectionName !== null && { collection: collectionName }) },
    scope: scopeOf(context, collation) ?? new Scope({ strings: collation }),
    collation,
    pace,
    readCollection: (name, db = database): DocumentSource => {
      const resolved = resolveName(server.engine.catalog, { database: db, name });
      const collection = server.engine.catalog.find(db, resolved.name, context.transaction);
      if (collection === undefined) return [];
      const query = compileQuery({ filter: new Map() });
      const documents = queriedDocuments(collection, query, { view, slice: pace });
      return resolved.stages.length === 0 ? documents : compilePipeline(resolved.stages, env).run(documents);
    },
    joinedCollection: (name, db = database) => {
      const collection = server.engine.catalog.find(db, name, context.transaction);
      if (collection === undefined || collection.view !== null) return undefined;
      return joinedCollection(collection, { view, slice: pace, collation });
    },
    writer: pipelineWriter(context, { pace, collation }),
    diagnostics: serverDiagnostics(context, collectionName),
  };
  return env;
}

/** `countDocuments` is sent as a pipeline that only counts, which needs no decoding of documents. */
async function countSource(
  { context, collectionName, specs, pace }: Run,
  env: PipelineEnvironment,
): Promise<ResultSource | null> {
  const counted = collectionName === null ? null : countedBy(specs);
  if (counted === null) return null;
  const { field, id, filter, skip, limit } = counted;
  const collection = findCollection(context, collectionName!);
  const query = compileQuery(querySpec(context, env, filter, undefined));
  const n =
    collection === undefined
      ? 0
      : await withView(context, (view) =>
          countRows({ collection, query, view, slice: pace.slice, skip, limit }),
        );
  return listSource(n === 0 ? [] : [documentOf({ _id: id, [field]: n })]);
}

function querySpec(
  { args }: CommandContext,
  { collation, scope }: PipelineEnvironment,
  filter: BsonDocument,
  sort: BsonDocument | undefined,
): QuerySpec {
  return { filter, sort, hint: args.hint(), collation, scope };
}

function sourceOf(
  { context, collectionName, specs, view, pace }: Run,
  env: PipelineEnvironment,
  readsSource = true,
): AsyncGenerator<BsonDocument, void, undefined> {
  const collection =
    collectionName === null || !readsSource ? undefined : findCollection(context, collectionName);
  const { filter, sort, rest } =
    collection === undefined ? { filter: documentOf({}), sort: undefined, rest: specs } : pushDown(specs);
  const documents: DocumentSource =
    collection === undefined
      ? []
      : queriedDocuments(collection, compileQuery(querySpec(context, env, filter, sort)), {
          view,
          slice: pace,
        });
  return compilePipeline(rest, env).run(documents);
}

function pipelineSource(run: Run, env: PipelineEnvironment, readsSource: boolean): ResultSource {
  const { view, pace } = run;
  const results = sourceOf(run, env, readsSource);
  return {
    next: async (slice) => {
      pace.slice = slice;
      const { value, done } = await results.next();
      return done ? null : encodeDocument(value);
    },
    begin: () => view.begin(),
    end: () => view.end(),
    close: () => {
      // A pipeline that is being read ends by itself: its reader finds that the cursor is gone.
      void results.return(undefined).catch(() => {});
      view.close();
    },
  };
}

export const aggregateCommands: CommandTable = {
  aggregate: { run: aggregate, inTransaction: true, takesWriteConcern: true, readsAt: "every level" },
};

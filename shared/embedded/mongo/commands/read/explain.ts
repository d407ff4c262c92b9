import type { Collation } from "../../bson/collation.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { compileQuery, Rows } from "../../planner/rows.ts";
import { SERVER_VERSION } from "../../server/identity.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { Arguments } from "../request/arguments.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "../request/context.ts";
import { withView } from "./count-rows.ts";
import { explainPlan } from "./explain-plan.ts";
import { type ExplainedQuery, explainedQuery } from "./explained-query.ts";

const explain = (context: CommandContext): Promise<Reply> =>
  explainCommand(context, new Arguments({ command: context.args.document("explain"), sequences: new Map() }));

/** Explains the plan of a command's query. Verbosities above `queryPlanner` also execute it. */
export async function explainCommand(context: CommandContext, inner: Arguments): Promise<Reply> {
  const query = explainedQuery(context, inner);
  const collation = collationOf(context, inner.collection(), collatedPart(inner));
  const collection = findCollection(context, query.name);
  const explanation = await explainQuery(context, { collection, query, collation });
  return replyOf({
    ...withStages(explanation, query.stages),
    command: inner.command,
    serverInfo: serverInfo(),
  });
}

type Explanation = Record<string, BsonValue | undefined>;

async function explainQuery(
  context: CommandContext,
  {
    collection,
    query,
    collation,
  }: { collection: Collection | undefined; query: ExplainedQuery; collation: Collation | undefined },
): Promise<Explanation> {
  const compiled = compileQuery({ ...query, collation });
  const planner = (winningPlan: BsonDocument): BsonDocument =>
    documentOf({
      namespace: `${context.database}.${query.name}`,
      indexFilterSet: false,
      parsedQuery: query.filter,
      collation: collation?.spec,
      winningPlan,
      rejectedPlans: [],
    });
  if (collection === undefined) return { queryPlanner: planner(documentOf({ stage: "EOF" })) };
  return withView(context, async (view) => {
    const { skip, limit } = query;
    const rows = new Rows(collection, compiled, { view: () => view, skip, limit });
    const queryPlanner = planner(explainPlan(rows.plan, { collection, query, collation }));
    // `aggregate` with `explain: true` has this verbosity.
    const isPlanOnly = context.name === "aggregate" || context.args.value("verbosity") === "queryPlanner";
    if (isPlanOnly) return { queryPlanner };
    return { queryPlanner, executionStats: await executionStats(context, rows) };
  });
}

async function executionStats(context: CommandContext, rows: Rows): Promise<BsonDocument> {
  const started = Date.now();
  let returned = 0;
  const slice = timeSliceOf(context);
  while ((await rows.next(slice)) !== null) returned += 1;
  const { examined } = rows.scan;
  return documentOf({
    executionSuccess: true,
    nReturned: returned,
    executionTimeMillis: Date.now() - started,
    totalKeysExamined: rows.plan.index === null ? 0 : examined,
    totalDocsExamined: rows.plan.isExact ? returned : examined,
  });
}

/** A `$group` directly after the query is part of its plan, as in 7.0; other stages follow the cursor. */
function withStages(explanation: Explanation, stages: readonly BsonValue[]): Explanation {
  const [first, ...others] = stages;
  const group = isDocument(first) ? first.get("$group") : undefined;
  const query: Explanation =
    group === undefined ? explanation : { ...explanation, queryPlanner: grouped(explanation.queryPlanner) };
  const rest = group === undefined ? stages : others;
  const explainVersion = group === undefined ? "1" : "2";
  if (rest.length === 0) return { explainVersion, ...query };
  return { explainVersion, stages: [documentOf({ $cursor: documentOf(query) }), ...rest] };
}

function grouped(planner: BsonValue | undefined): BsonDocument {
  const explanation: BsonDocument = new Map(planner as BsonDocument);
  const inputStage = explanation.get("winningPlan");
  explanation.set("optimizedPipeline", true);
  explanation.set("winningPlan", documentOf({ queryPlan: documentOf({ stage: "GROUP", inputStage }) }));
  return explanation;
}

/** Each statement of an update or delete has its own collation. */
function collatedPart(inner: Arguments): Arguments {
  const [name] = inner.command.keys();
  if (name === "update") return inner.statements("updates")[0]!;
  return name === "delete" ? inner.statements("deletes")[0]! : inner;
}

const serverInfo = (): BsonDocument => documentOf({ version: SERVER_VERSION, gitVersion: "embedded" });

export const explainCommands: CommandTable = {
  explain: { run: explain, readsAt: "every level but snapshot" },
};

import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../bson/values.ts";
import type { Plan } from "../planner/plan.ts";
import { compileQuery, Rows } from "../planner/rows.ts";
import { type Reply, replyOf } from "../wire/reply.ts";
import { Arguments } from "./arguments.ts";
import { collationOf } from "./collation.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "./context.ts";
import { withView } from "./count-rows.ts";
import { SERVER_VERSION } from "./hello.ts";

interface Explained {
  readonly filter: BsonDocument;
  readonly sort: BsonDocument;
  readonly hint: BsonValue | undefined;
  readonly skip: number;
  readonly limit: number;
}

const explain = (context: CommandContext): Promise<Reply> =>
  explainCommand(context, new Arguments({ command: context.args.document("explain"), sequences: new Map() }));

/** Shows which plan the query of a command takes, and beyond `queryPlanner` what it touches. */
export async function explainCommand(context: CommandContext, inner: Arguments): Promise<Reply> {
  const { args, database } = context;
  const explained = explainedQuery(inner);
  const name = inner.collection();
  const collection = findCollection(context, name);
  const query = compileQuery({ ...explained, collation: collationOf(context, name, collatedPart(inner)) });
  const verbosity = args.value("verbosity") ?? "allPlansExecution";
  if (collection === undefined)
    return replyOf({ queryPlanner: planner(`${database}.${name}`, explained, documentOf({ stage: "EOF" })) });
  return withView(context, async (view) => {
    const { skip, limit } = explained;
    const rows = new Rows(collection, query, { view: () => view, skip, limit });
    const queryPlanner = planner(collection.namespace, explained, shownPlan(rows.plan, explained));
    if (verbosity === "queryPlanner") return replyOf({ queryPlanner, serverInfo: serverInfo() });
    const started = Date.now();
    let returned = 0;
    const slice = timeSliceOf(context);
    while ((await rows.next(slice)) !== null) returned += 1;
    const { examined } = rows.scan;
    const executionStats = documentOf({
      executionSuccess: true,
      nReturned: returned,
      executionTimeMillis: Date.now() - started,
      totalKeysExamined: rows.plan.index === null ? 0 : examined,
      totalDocsExamined: rows.plan.isExact ? returned : examined,
    });
    return replyOf({ queryPlanner, executionStats, serverInfo: serverInfo() });
  });
}

/** Statements of an update or delete have collations of their own. */
function collatedPart(inner: Arguments): Arguments {
  const [name] = inner.command.keys();
  if (name === "update") return inner.statements("updates")[0]!;
  return name === "delete" ? inner.statements("deletes")[0]! : inner;
}

const serverInfo = (): BsonDocument => documentOf({ version: SERVER_VERSION, gitVersion: "embedded" });

function explainedQuery(inner: Arguments): Explained {
  const { command } = inner;
  const [name] = command.keys();
  switch (name) {
    case "find":
      return {
        filter: inner.document("filter"),
        sort: inner.document("sort"),
        hint: inner.hint(),
        skip: inner.count("skip", 0),
        limit: inner.count("limit", 0) || Number.POSITIVE_INFINITY,
      };
    case "count":
    case "distinct":
      return everything(inner.document("query"), inner.hint());
    case "findAndModify":
      return {
        ...everything(inner.document("query"), inner.hint()),
        sort: inner.document("sort"),
        limit: 1,
      };
    case "update":
      return everything(inner.statements("updates")[0]!.document("q"), undefined);
    case "delete":
      return everything(inner.statements("deletes")[0]!.document("q"), undefined);
    case "aggregate":
      return everything(firstMatch(inner.list("pipeline")), inner.hint());
    default:
      throw new CommandFault(2, `explain of '${name ?? ""}' is not possible: a query command is expected`);
  }
}

const everything = (filter: BsonDocument, hint: BsonValue | undefined): Explained => ({
  filter,
  sort: documentOf({}),
  hint,
  skip: 0,
  limit: Number.POSITIVE_INFINITY,
});

function firstMatch([first]: readonly BsonValue[]): BsonDocument {
  const match = isDocument(first) ? first.get("$match") : undefined;
  return isDocument(match) ? match : documentOf({});
}

const planner = (namespace: string, { filter }: Explained, winningPlan: BsonDocument): BsonDocument =>
  documentOf({ namespace, indexFilterSet: false, parsedQuery: filter, winningPlan, rejectedPlans: [] });

function shownPlan(plan: Plan, { sort, filter }: Explained): BsonDocument {
  const scan = shownScan(plan, plan.isExact ? undefined : filter);
  return plan.isSorted || sort.size === 0
    ? scan
    : documentOf({ stage: "SORT", sortPattern: sort, inputStage: scan });
}

function shownScan(
  { index, isBackwards, intervals, branches }: Plan,
  filter: BsonDocument | undefined,
): BsonDocument {
  const direction = isBackwards ? "backward" : "forward";
  if (branches.length > 0) {
    const inputStages = branches.map((branch) => shownScan(branch, undefined));
    return documentOf({ stage: "FETCH", filter, inputStage: documentOf({ stage: "OR", inputStages }) });
  }
  if (index === null) return documentOf({ stage: "COLLSCAN", filter, direction });
  const inputStage = documentOf({
    stage: "IXSCAN",
    keyPattern: index.definition.get("key"),
    indexName: index.name,
    isMultiKey: index.isMultikey,
    isUnique: index.isUnique,
    isSparse: index.isSparse,
    isPartial: index.partialFilter !== null,
    collation: index.collation?.spec,
    direction,
    intervals: intervals.length,
  });
  return documentOf({ stage: "FETCH", filter, inputStage });
}

export const explainCommands: CommandTable = {
  explain: { run: explain, readsAt: "every level but snapshot" },
};

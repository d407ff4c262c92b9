import { pushDown } from "../../aggregate/pipeline.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import { resolveName } from "../catalog/views.ts";
import type { Arguments } from "../request/arguments.ts";
import type { CommandContext } from "../request/context.ts";

/** The explained query of a command. */
export interface ExplainedQuery {
  /** The collection that is read. */
  readonly name: string;
  readonly filter: BsonDocument;
  readonly sort: BsonDocument;
  readonly hint: BsonValue | undefined;
  readonly skip: number;
  readonly limit: number;
  /** The stages of a pipeline that follow the query. */
  readonly stages: readonly BsonValue[];
}

/** @throws CommandFault 2 for a command without a query */
export function explainedQuery(context: CommandContext, inner: Arguments): ExplainedQuery {
  const [command] = inner.command.keys();
  const name = inner.collection();
  switch (command) {
    case "find":
      return {
        ...queryOn(name, inner.document("filter"), inner.hint()),
        sort: inner.document("sort"),
        skip: inner.count("skip", 0),
        limit: inner.count("limit", 0) || Number.POSITIVE_INFINITY,
      };
    case "count":
    case "distinct":
      return queryOn(name, inner.document("query"), inner.hint());
    case "findAndModify":
      return {
        ...queryOn(name, inner.document("query"), inner.hint()),
        sort: inner.document("sort"),
        limit: 1,
      };
    case "update":
      return queryOn(name, inner.statements("updates")[0]!.document("q"), undefined);
    case "delete":
      return queryOn(name, inner.statements("deletes")[0]!.document("q"), undefined);
    case "aggregate":
      return queryOfPipeline(context, inner);
    default:
      throw new CommandFault(2, `explain of '${command ?? ""}' is not possible: a query command is expected`);
  }
}

const queryOn = (name: string, filter: BsonDocument, hint: BsonValue | undefined): ExplainedQuery => ({
  name,
  filter,
  sort: documentOf({}),
  hint,
  skip: 0,
  limit: Number.POSITIVE_INFINITY,
  stages: [],
});

function queryOfPipeline({ server, database }: CommandContext, inner: Arguments): ExplainedQuery {
  const resolved = resolveName(server.engine.catalog, { database, name: inner.collection() });
  const { filter, sort, rest } = pushDown([...resolved.stages, ...inner.list("pipeline")]);
  return { ...queryOn(resolved.name, filter, inner.hint()), sort: sort ?? documentOf({}), stages: rest };
}

import { compilePipeline } from "../../aggregate/pipeline.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import type { Catalog } from "../../engine/catalog.ts";
import { Scope } from "../../expression/scope.ts";
import type { Arguments } from "../request/arguments.ts";
import type { CommandContext } from "../request/context.ts";

/** A view on a view on a view: so many deep at most. */
const DEEPEST = 20;

/** The collection behind a name, and the stages that lead from it to what the name shows. */
export interface ResolvedName {
  readonly name: string;
  readonly stages: readonly BsonValue[];
}

/**
 * Follows views to the collection that they show: a name that is no view is itself, without stages.
 *
 * @throws CommandFault 165 where views lie too deep
 */
export function resolveName(
  catalog: Catalog,
  { database, name }: { database: string; name: string },
): ResolvedName {
  let resolved: ResolvedName = { name, stages: [] };
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const view = catalog.find(database, resolved.name)?.view;
    if (view == null) return resolved;
    resolved = { name: view.on, stages: [...view.pipeline, ...resolved.stages] };
  }
  throw new CommandFault(165, `View depth too deep: the limit is ${DEEPEST}`);
}

/**
 * Checks what a new view is to show.
 *
 * @throws CommandFault 5 where it would show itself, 167 for stages that write, and those of a wrong stage
 */
export function requireViewPipeline(
  { server: { engine }, database }: CommandContext,
  name: string,
  options: BsonDocument,
): void {
  const on = options.get("viewOn") as string;
  if (on === "") throw new CommandFault(2, "'viewOn' cannot be empty");
  const stages = options.get("pipeline") as BsonDocument[];
  for (const stage of stages) {
    const [operator] = stage.keys();
    if (operator === "$out" || operator === "$merge")
      throw new CommandFault(167, `${operator} is not allowed in a view definition`);
  }
  compilePipeline(stages, {
    namespace: { db: database, collection: on },
    scope: new Scope({}),
    pace: { isOver: () => false, pause: async () => {} },
    readCollection: () => [],
  });
  if (on === name || resolveName(engine.catalog, { database, name: on }).name === name)
    throw new CommandFault(5, `View cycle detected: ${database}.${name} would show itself`);
}

/** A find on a view, as the stages that do the same. */
export function stagesOfFind(args: Arguments): BsonDocument[] {
  for (const option of ["min", "max", "returnKey", "showRecordId", "tailable"]) {
    if (args.value(option) !== undefined)
      throw new CommandFault(167, `Option ${option} not supported on a view`);
  }
  const sort = args.document("sort");
  const projection = args.document("projection");
  const skip = args.count("skip", 0);
  const limit = args.count("limit", 0);
  return stages({
    $match: args.document("filter"),
    $sort: sort.size > 0 && !sort.has("$natural") ? sort : undefined,
    $skip: skip > 0 ? BigInt(skip) : undefined,
    $limit: limit > 0 ? BigInt(limit) : undefined,
    $project: projection.size > 0 ? projection : undefined,
  });
}

const stages = (operators: Record<string, BsonValue | undefined>): BsonDocument[] =>
  [...documentOf(operators)].map(([name, operand]) => new Map([[name, operand]]));

/** The documents of a view that a count or a distinct asks about, as stages. */
export const stagesOfQuery = (args: Arguments): BsonDocument[] => stages({ $match: args.document("query") });

import { compilePipeline } from "../../aggregate/pipeline.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import type { Catalog } from "../../engine/catalog.ts";
import { Scope } from "../../expression/scope.ts";
import type { Arguments } from "../request/arguments.ts";
import type { CommandContext } from "../request/context.ts";

/** Maximum number of views on views. */
const MAX_DEPTH = 20;

/** The collection that a name refers to, and the stages of the views between them. */
export interface ResolvedName {
  readonly name: string;
  readonly stages: readonly BsonValue[];
}

/**
 * Follows views to their collection. A name that is not a view resolves to itself, without stages.
 *
 * @throws CommandFault 165 if views are nested too deeply
 */
export function resolveName(
  catalog: Catalog,
  { database, name }: { database: string; name: string },
): ResolvedName {
  let resolved: ResolvedName = { name, stages: [] };
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const view = catalog.find(database, resolved.name)?.view;
    if (view == null) return resolved;
    resolved = { name: view.on, stages: [...view.pipeline, ...resolved.stages] };
  }
  throw new CommandFault(165, `View depth too deep: the limit is ${MAX_DEPTH}`);
}

/**
 * Checks the definition of a new view.
 *
 * @throws CommandFault 5 if it would refer to itself, 167 for stages that write, other codes for invalid stages
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

/** Returns the stages that are equivalent to a find. */
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

/** Returns the stages for the query of a count or a distinct. */
export const stagesOfQuery = (args: Arguments): BsonDocument[] => stages({ $match: args.document("query") });

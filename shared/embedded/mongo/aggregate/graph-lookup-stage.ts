import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Expression } from "../expression/scope.ts";
import { keyValuesAt, type Path, parsePath } from "../fields/path.ts";
import { compileMatch } from "../query/match.ts";
import { withField } from "./add-fields.ts";
import type { Namespace, PipelineEnvironment } from "./environment.ts";
import { EqualityJoin } from "./equality-join.ts";
import type { Stage } from "./flow.ts";
import { foreignNamespace } from "./lookup-stage.ts";

interface Graph {
  readonly from: Partial<Namespace>;
  readonly startWith: Expression;
  readonly connectFrom: Path;
  readonly connectTo: string;
  readonly as: readonly string[];
  readonly maxDepth: number;
  readonly depthField: readonly string[] | undefined;
  readonly accepts: ((doc: BsonDocument) => boolean) | undefined;
}

function required(spec: BsonDocument, name: string): string {
  const value = spec.get(name);
  if (typeof value !== "string" || value.startsWith("$"))
    throw new CommandFault(40103, `$graphLookup argument '${name}' must be a field name`);
  return value;
}

function parse(operand: BsonValue, env: PipelineEnvironment): Graph {
  if (!isDocument(operand)) throw new CommandFault(40100, "the $graphLookup specification must be an Object");
  const restriction = operand.get("restrictSearchWithMatch");
  if (restriction !== undefined && !isDocument(restriction))
    throw new CommandFault(40185, "restrictSearchWithMatch must be an object");
  const depth = operand.get("maxDepth");
  if (depth !== undefined && !isNumber(depth)) throw new CommandFault(40100, "maxDepth must be numeric");
  const depthField = operand.get("depthField");
  if (!operand.has("startWith")) throw new CommandFault(40105, "$graphLookup requires 'startWith'");
  return {
    from: foreignNamespace("$graphLookup", operand.get("from")),
    startWith: compileExpression(operand.get("startWith")!, env.scope),
    connectFrom: parsePath(required(operand, "connectFromField")),
    connectTo: required(operand, "connectToField"),
    as: required(operand, "as").split("."),
    maxDepth: depth === undefined ? Infinity : toDouble(depth),
    depthField: typeof depthField === "string" ? depthField.split(".") : undefined,
    accepts: restriction
      ? compileMatch(restriction, { scope: env.scope, collation: env.collation })
      : undefined,
  };
}

/** Follows the connections of one document breadth first; finds each document once, at its smallest depth. */
async function follow(
  graph: Graph,
  start: BsonValue,
  { join, env }: { join: EqualityJoin; env: PipelineEnvironment },
): Promise<BsonDocument[]> {
  const seen = new Set<string | BsonDocument>();
  const found: BsonDocument[] = [];
  let frontier: BsonValue[] = Array.isArray(start) ? start : [start];
  for (let depth = 0; depth <= graph.maxDepth && frontier.length > 0; depth++) {
    const reached = (await join.find(frontier)).filter((doc) => !seen.has(identityOf(doc)));
    frontier = [];
    for (const doc of reached) {
      seen.add(identityOf(doc));
      found.push(graph.depthField ? (withField(doc, graph.depthField, BigInt(depth)) as BsonDocument) : doc);
      // Missing values are not followed: null would match every document without the field.
      for (const value of keyValuesAt(doc, graph.connectFrom)) if (value !== null) frontier.push(value);
    }
    if (env.pace.isOver()) await env.pace.pause();
  }
  return found;
}

/** Documents of a collection differ in `_id`; documents of a view may have none. */
const identityOf = (doc: BsonDocument): string | BsonDocument => {
  const id = doc.get("_id");
  return id === undefined ? doc : indexKey([id], [1]);
};

/** `$graphLookup`: finds the documents of a collection that are reachable from each input document. */
export function compileGraphLookup(operand: BsonValue, env: PipelineEnvironment): Stage {
  const graph = parse(operand, env);
  return async function* (input) {
    const { from, connectTo, accepts } = graph;
    const join = new EqualityJoin({ from, field: connectTo, accepts }, env);
    for await (const chunk of input) {
      const out: BsonDocument[] = [];
      for (const doc of chunk) {
        const found = await follow(graph, graph.startWith(doc) ?? null, { join, env });
        out.push(withField(doc, graph.as, found) as BsonDocument);
      }
      yield out;
    }
  };
}

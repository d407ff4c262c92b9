import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { keyValuesAt, type Path, parsePath } from "../query/path.ts";
import { withField } from "./add-fields.ts";
import type { Namespace, PipelineEnvironment } from "./environment.ts";
import { compileExpression } from "./expression.ts";
import { chunked, type Flow, flowOf, gather, type Stage } from "./flow.ts";
import { ForeignIndex } from "./foreign-index.ts";
import type { Expression, Variable } from "./scope.ts";

export type PipelineCompiler = (stages: readonly BsonValue[], env: PipelineEnvironment) => Stage;

const FIELDS = new Set(["from", "localField", "foreignField", "as", "let", "pipeline"]);

interface Lookup {
  readonly from: Partial<Namespace>;
  readonly as: readonly string[];
  readonly local: Path | undefined;
  readonly foreign: string | undefined;
  readonly bindings: readonly { variable: Variable; value: Expression }[];
  readonly pipeline: Stage | undefined;
}

function textField(spec: BsonDocument, name: string): string | undefined {
  const value = spec.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw new CommandFault(9, `$lookup argument '${name}: ${typeof value}' must be a string`);
}

/** A collection by name, or `{ db, coll }`. */
export function foreignNamespace(stage: string, from: BsonValue | undefined): Partial<Namespace> {
  if (from === undefined) return {};
  if (typeof from === "string") return { collection: from };
  if (isDocument(from)) {
    const [db, collection] = [from.get("db"), from.get("coll")];
    if (typeof collection === "string") return typeof db === "string" ? { db, collection } : { collection };
  }
  throw new CommandFault(9, `${stage} argument 'from' must be a string or { db, coll }`);
}

function parse(operand: BsonValue, env: PipelineEnvironment, compile: PipelineCompiler): Lookup {
  if (!isDocument(operand)) throw new CommandFault(9, "the $lookup specification must be an Object");
  for (const name of operand.keys())
    if (!FIELDS.has(name)) throw new CommandFault(9, `unknown argument to $lookup: ${name}`);
  const as = textField(operand, "as");
  if (as === undefined) throw new CommandFault(9, "must specify 'as' field for a $lookup");
  const [local, foreign] = [textField(operand, "localField"), textField(operand, "foreignField")];
  const pipeline = operand.get("pipeline");
  if ((local === undefined) !== (foreign === undefined))
    throw new CommandFault(
      9,
      "$lookup requires both or neither of 'localField' and 'foreignField' to be specified",
    );
  if (local === undefined && pipeline === undefined)
    throw new CommandFault(
      9,
      "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified",
    );
  if (pipeline !== undefined && !Array.isArray(pipeline))
    throw new CommandFault(9, "'pipeline' option must be specified as an array");
  const { bindings, scope } = bindVariables(operand.get("let"), env);
  return {
    from: foreignNamespace("$lookup", operand.get("from")),
    as: as.split("."),
    local: local === undefined ? undefined : parsePath(local),
    foreign,
    bindings,
    pipeline: pipeline && compile(pipeline, { ...env, scope, writer: undefined }),
  };
}

function bindVariables(spec: BsonValue | undefined, env: PipelineEnvironment) {
  const scope = env.scope.inner();
  if (spec !== undefined && !isDocument(spec))
    throw new CommandFault(9, "$lookup argument 'let' must be an object");
  const bindings = [...(spec ?? [])].map(([name, value]) => ({
    variable: scope.declare(name),
    value: compileExpression(value, env.scope),
  }));
  return { scope, bindings };
}

/** The values to join by: an array's elements, or null for nothing. */
const joinValues = (doc: BsonDocument, path: Path): BsonValue[] => keyValuesAt(doc, path);

async function foreignDocuments({ from }: Lookup, env: PipelineEnvironment): Promise<BsonDocument[]> {
  if (from.collection === undefined) return [];
  return gather(chunked(env.readCollection(from.collection, from.db), env.pace));
}

/** `$lookup` by equal fields, by a pipeline with variables, or by both. */
export function compileLookup(
  operand: BsonValue,
  env: PipelineEnvironment,
  compile: PipelineCompiler,
): Stage {
  const lookup = parse(operand, env, compile);
  return async function* (input) {
    const foreign = await foreignDocuments(lookup, env);
    const index =
      lookup.foreign === undefined ? undefined : await ForeignIndex.of(foreign, lookup.foreign, env);
    for await (const chunk of input) {
      const joined: BsonDocument[] = [];
      for (const doc of chunk) {
        const candidates = index ? index.find(joinValues(doc, lookup.local!)) : foreign;
        joined.push(
          withField(doc, lookup.as, await refine(lookup, { doc, candidates, env })) as BsonDocument,
        );
        if (env.pace.isOver()) await env.pace.pause();
      }
      yield joined;
    }
  };
}

async function refine(
  { pipeline, bindings }: Lookup,
  { doc, candidates, env }: { doc: BsonDocument; candidates: BsonDocument[]; env: PipelineEnvironment },
): Promise<BsonDocument[]> {
  if (!pipeline) return candidates;
  const values = bindings.map(({ value }) => value(doc));
  bindings.forEach(({ variable }, at) => {
    variable.value = values[at];
  });
  const source: Flow = flowOf(candidates, env.pace);
  return gather(pipeline(source));
}

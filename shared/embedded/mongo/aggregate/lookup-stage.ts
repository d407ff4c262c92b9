import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Expression, Variable } from "../expression/scope.ts";
import { keyValuesAt, type Path, parsePath } from "../fields/path.ts";
import { withField } from "./add-fields.ts";
import type { Namespace, PipelineEnvironment } from "./environment.ts";
import { EqualityJoin } from "./equality-join.ts";
import { chunked, flowOf, gather, type Stage } from "./flow.ts";
import { type Narrowing, narrowingOf } from "./narrowing.ts";

export type PipelineCompiler = (stages: readonly BsonValue[], env: PipelineEnvironment) => Stage;

const FIELDS = new Set(["from", "localField", "foreignField", "as", "let", "pipeline"]);

interface Lookup {
  readonly from: Partial<Namespace>;
  readonly as: readonly string[];
  readonly local: Path | undefined;
  readonly foreign: string | undefined;
  readonly bindings: readonly { variable: Variable; value: Expression }[];
  readonly pipeline: Stage | undefined;
  /** Conditions at the start of the pipeline that an index may serve. */
  readonly narrowing: Narrowing;
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
    narrowing: narrowingOf(pipeline ?? [], scope),
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

/** Returns the values to join by: the elements of an array, or null for a missing field. */
const joinValues = (doc: BsonDocument, path: Path): BsonValue[] => keyValuesAt(doc, path);

/** Finds the candidates to join with one document, before the join's own pipeline. */
type CandidateSearch = (doc: BsonDocument) => Promise<BsonDocument[]>;

function searchByField({ from, foreign, local }: Lookup, env: PipelineEnvironment): CandidateSearch {
  const join = new EqualityJoin({ from, field: foreign! }, env);
  return (doc) => join.find(joinValues(doc, local!));
}

/** Without join fields, an index may serve the first `$match` of the pipeline. */
function searchByPipeline({ from, narrowing }: Lookup, env: PipelineEnvironment): CandidateSearch {
  const { collection, db } = from;
  if (collection === undefined) return async () => [];
  const joined = env.joinedCollection?.(collection, db);
  let all: BsonDocument[] | null = null;
  return async () => {
    if (narrowing.isByVariables && all === null) {
      const found = await joined?.find(narrowing.filter());
      if (found) return found;
    }
    all ??= await everyCandidate();
    return all;
  };
  async function everyCandidate(): Promise<BsonDocument[]> {
    const found = narrowing.constant.size === 0 ? null : await joined?.find(narrowing.constant);
    return found ?? gather(chunked(env.readCollection(collection!, db), env.pace));
  }
}

/** `$lookup` by equal fields, by a pipeline with variables, or by both. */
export function compileLookup(
  operand: BsonValue,
  env: PipelineEnvironment,
  compile: PipelineCompiler,
): Stage {
  const lookup = parse(operand, env, compile);
  return async function* (input) {
    const search = lookup.foreign === undefined ? searchByPipeline(lookup, env) : searchByField(lookup, env);
    for await (const chunk of input) {
      const joined: BsonDocument[] = [];
      for (const doc of chunk) {
        setVariables(lookup, doc);
        const candidates = await search(doc);
        const found = lookup.pipeline
          ? await gather(lookup.pipeline(flowOf(candidates, env.pace)))
          : candidates;
        joined.push(withField(doc, lookup.as, found) as BsonDocument);
        if (env.pace.isOver()) await env.pace.pause();
      }
      yield joined;
    }
  };
}

function setVariables({ bindings }: Lookup, doc: BsonDocument): void {
  // All values are computed first: one may use an outer variable of the same name.
  const values = bindings.map(({ value }) => value(doc));
  bindings.forEach(({ variable }, at) => {
    variable.value = values[at];
  });
}

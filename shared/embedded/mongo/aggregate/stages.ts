import { CommandFault, unsupported } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { evaluateConstant } from "../expression/expression.ts";
import { compileSort } from "../fields/sort.ts";
import { compileMatch } from "../query/match.ts";
import { compileBucket, compileBucketAuto } from "./bucket-stage.ts";
import { compileTransform } from "./document-stages.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { chunked, filtering, flowOf, gather, limiting, mapping, type Stage, skipping } from "./flow.ts";
import { compileGraphLookup } from "./graph-lookup-stage.ts";
import { compileGroup } from "./group-stage.ts";
import { compileLookup, foreignNamespace, type PipelineCompiler } from "./lookup-stage.ts";
import { compileMerge, compileOut } from "./output-stages.ts";
import { compileRedact } from "./redact-stage.ts";
import { sorting } from "./sort-stage.ts";
import { UNSUPPORTED_STAGES } from "./stage-names.ts";
import { compileUnwind } from "./unwind-stage.ts";

/** Compiles the operand of one stage. */
export type StageCompiler = (
  operand: BsonValue,
  env: PipelineEnvironment,
  compile: PipelineCompiler,
) => Stage;

function wholeNumber(stage: string, operand: BsonValue, least: number): number {
  const value = isNumber(operand) ? toDouble(operand) : Number.NaN;
  if (!Number.isInteger(value))
    throw new CommandFault(
      stage === "$skip" ? 5107200 : 5107201,
      `invalid argument to ${stage} stage: Expected an integer: ${stage}: ${typeNameOf(operand)}`,
    );
  if (value < least) {
    const message =
      least === 1
        ? "the limit must be positive"
        : `invalid argument to ${stage} stage: Expected a non-negative number in: ${stage}: ${value}`;
    throw new CommandFault(least === 1 ? 15958 : 5107200, message);
  }
  return value;
}

const match: StageCompiler = (operand, { scope, collation, pace }) => {
  if (!isDocument(operand))
    throw new CommandFault(15959, "the match filter must be an expression in an object");
  return filtering(compileMatch(operand, { scope, ...(collation && { collation }) }), pace);
};

const sort: StageCompiler = (operand, { collation, pace }) => {
  if (!isDocument(operand)) throw new CommandFault(15973, "the $sort key specification must be an object");
  if (operand.size === 0) throw new CommandFault(15976, "$sort stage must have at least one sort key");
  return sorting(compileSort(operand, collation), Infinity, pace);
};

const count: StageCompiler = (operand) => {
  if (typeof operand !== "string")
    throw new CommandFault(40156, "the count field must be a non-empty string");
  if (operand === "") throw new CommandFault(40157, "the count field must be a non-empty string");
  if (operand.startsWith("$")) throw new CommandFault(40158, "the count field cannot be a $-prefixed path");
  if (operand.includes(".")) throw new CommandFault(40160, "the count field cannot contain '.'");
  return async function* (input) {
    let total = 0;
    for await (const chunk of input) total += chunk.length;
    if (total > 0) yield [new Map([[operand, total]])];
  };
};

const sortByCount: StageCompiler = (operand, env, compile) =>
  compile(
    [
      new Map([
        [
          "$group",
          new Map<string, BsonValue>([
            ["_id", operand],
            ["count", new Map([["$sum", 1]])],
          ]),
        ],
      ]),
      new Map([["$sort", new Map([["count", -1]])]]),
    ],
    env,
  );

const sample: StageCompiler = (operand, { pace }) => {
  if (!isDocument(operand))
    throw new CommandFault(28745, "the $sample stage specification must be an object");
  if (!operand.has("size")) throw new CommandFault(28749, "$sample stage must specify a size");
  const size = isNumber(operand.get("size")) ? toDouble(operand.get("size") as number) : Number.NaN;
  if (!(size >= 1)) throw new CommandFault(28747, "size argument to $sample must be a positive integer");
  return async function* (input) {
    const docs = await gather(input);
    for (let i = 0; i < Math.min(size, docs.length); i++) {
      const other = i + Math.floor(Math.random() * (docs.length - i));
      [docs[i], docs[other]] = [docs[other]!, docs[i]!];
    }
    yield* flowOf(docs.slice(0, size), pace);
  };
};

const facet: StageCompiler = (operand, env, compile) => {
  if (!isDocument(operand) || operand.size === 0)
    throw new CommandFault(40169, "the $facet specification must be a non-empty object");
  const pipelines = [...operand].map(([name, stages]) => {
    if (!Array.isArray(stages))
      throw new CommandFault(
        40170,
        `arguments to $facet must be arrays, ${name} is type ${typeNameOf(stages)}`,
      );
    for (const stage of stages) checkFacetStage(stage);
    return [name, compile(stages, { ...env, writer: undefined })] as const;
  });
  return async function* (input) {
    const docs = await gather(input);
    const result: BsonDocument = new Map();
    for (const [name, pipeline] of pipelines)
      result.set(name, await gather(pipeline(flowOf(docs, env.pace))));
    yield [result];
  };
};

const NOT_IN_FACET = new Set([
  "$facet",
  "$out",
  "$merge",
  "$geoNear",
  "$indexStats",
  "$collStats",
  "$documents",
]);
function checkFacetStage(stage: BsonValue): void {
  const name = isDocument(stage) ? stage.keys().next().value : undefined;
  if (name !== undefined && NOT_IN_FACET.has(name))
    throw new CommandFault(40600, `${name} is not allowed to be used within a $facet stage`);
}

const unionWith: StageCompiler = (operand, env, compile) => {
  const spec: BsonDocument = isDocument(operand) ? operand : new Map([["coll", operand]]);
  const from = foreignNamespace("$unionWith", spec.get("coll"));
  const stages = spec.get("pipeline") ?? [];
  if (!Array.isArray(stages)) throw new CommandFault(14, "$unionWith 'pipeline' must be an array");
  const pipeline = compile(stages, { ...env, writer: undefined });
  return async function* (input) {
    yield* input;
    const { collection, db } = from;
    yield* pipeline(
      collection === undefined ? flowOf([], env.pace) : chunked(env.readCollection(collection, db), env.pace),
    );
  };
};

const documents: StageCompiler = (operand, { scope, pace }) => {
  const value = evaluateConstant(operand, scope);
  if (!Array.isArray(value) || !value.every(isDocument))
    throw new CommandFault(5858203, "$documents must evaluate to an array of objects");
  return () => flowOf(value, pace);
};

const STAGES: Readonly<Record<string, StageCompiler>> = {
  $match: match,
  $sort: sort,
  $limit: (operand) => limiting(wholeNumber("$limit", operand, 1)),
  $skip: (operand) => skipping(wholeNumber("$skip", operand, 0)),
  $count: count,
  $group: compileGroup,
  $sortByCount: sortByCount,
  $bucket: compileBucket,
  $bucketAuto: compileBucketAuto,
  $unwind: compileUnwind,
  $lookup: compileLookup,
  $graphLookup: compileGraphLookup,
  $facet: facet,
  $sample: sample,
  $unionWith: unionWith,
  $redact: compileRedact,
  $documents: documents,
  $out: compileOut,
  $merge: compileMerge,
};

/**
 * Compiles one stage.
 *
 * @throws CommandFault 40324 for a stage that does not exist, 115 for one that only a real server supports
 */
export function compileStage(
  [name, operand]: readonly [string, BsonValue],
  env: PipelineEnvironment,
  compile: PipelineCompiler,
): Stage {
  const transform = compileTransform(name, operand, env.scope);
  if (transform) return mapping(transform, env.pace);
  const compiler = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
  if (compiler) return compiler(operand, env, compile);
  const diagnostic =
    env.diagnostics && Object.hasOwn(env.diagnostics, name) ? env.diagnostics[name] : undefined;
  if (diagnostic) return () => flowOf(diagnostic(operand), env.pace);
  if (UNSUPPORTED_STAGES.has(name)) throw unsupported(`The aggregation stage ${name}`);
  throw new CommandFault(40324, `Unrecognized pipeline stage name: '${name}'`);
}

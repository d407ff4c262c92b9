import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileSort } from "../fields/sort.ts";
import type { DocumentSource, PipelineEnvironment } from "./environment.ts";
import { chunked, type Stage } from "./flow.ts";
import { sorting } from "./sort-stage.ts";
import { compileStage } from "./stages.ts";
import { stageOf } from "./update-pipeline.ts";

/** Stages at the start of a pipeline that do not read the collection. */
const SOURCES = new Set([
  "$documents",
  "$collStats",
  "$indexStats",
  "$listLocalSessions",
  "$listSessions",
  "$currentOp",
]);
const OUTPUTS = new Set(["$out", "$merge"]);

function checkPositions(stages: readonly (readonly [string, BsonValue])[]): void {
  stages.forEach(([name], at) => {
    if (SOURCES.has(name) && at > 0)
      throw new CommandFault(40602, `${name} is only valid as the first stage in a pipeline`);
    if (OUTPUTS.has(name) && at < stages.length - 1)
      throw new CommandFault(40601, `${name} can only be the final stage in the pipeline`);
  });
}

/** The limit of a `$limit` directly after a `$sort`: the sort keeps no more documents. */
function limitAfter([name, operand]: readonly [string, BsonValue] = ["", null]): number {
  return name === "$limit" && isNumber(operand) ? toDouble(operand) : Infinity;
}

function compileStages(specs: readonly BsonValue[], env: PipelineEnvironment): Stage {
  const stages = specs.map(stageOf);
  checkPositions(stages);
  const compiled = stages.map((stage, at) => {
    const whole = compileStage(stage, env, compileStages);
    const limit = limitAfter(stages[at + 1]);
    if (stage[0] !== "$sort" || limit === Infinity) return whole;
    return sorting(compileSort(stage[1] as BsonDocument, env.collation), limit, env.pace);
  });
  return (input) => compiled.reduce((flow, stage) => stage(flow), input);
}

/** A checked and compiled pipeline. */
export interface Pipeline {
  /** False if the first stage produces its own documents. */
  readonly readsSource: boolean;
  /** The `$out` or `$merge` at the end of the pipeline, which then returns nothing. */
  readonly output: "$out" | "$merge" | undefined;
  run(source: DocumentSource): AsyncGenerator<BsonDocument, void, undefined>;
}

/**
 * Compiles a pipeline. All errors of its stages are thrown here.
 *
 * A run pauses as `env.pace` demands, so it never blocks the event loop for long. Variables are part of the
 * compiled pipeline, so it can run only once at a time.
 *
 * @throws CommandFault 40323 and 40324 for stages that are none, 115 for what only a real server has, and each
 *   stage's own codes
 */
export function compilePipeline(specs: readonly BsonValue[], env: PipelineEnvironment): Pipeline {
  const stage = compileStages(specs, env);
  const names = specs.map((spec) => (isDocument(spec) ? spec.keys().next().value! : ""));
  const last = names.at(-1);
  return {
    readsSource: !SOURCES.has(names[0] ?? ""),
    output: last === "$out" || last === "$merge" ? last : undefined,
    run: async function* (source) {
      for await (const chunk of stage(chunked(source, env.pace))) yield* chunk;
    },
  };
}

/** The start of a pipeline that a query can execute with indexes, and the remaining stages. */
export interface PushedDown {
  readonly filter: BsonDocument;
  readonly sort: BsonDocument | undefined;
  readonly rest: readonly BsonValue[];
}

const NO_FILTER: BsonDocument = new Map();

/** Removes a leading `$match` and a `$sort` after it from valid stages. */
export function pushDown(specs: readonly BsonValue[]): PushedDown {
  let rest = specs;
  const take = (name: string): BsonDocument | undefined => {
    const stage = rest[0];
    const operand = isDocument(stage) && stage.size === 1 ? stage.get(name) : undefined;
    if (!isDocument(operand)) return undefined;
    rest = rest.slice(1);
    return operand;
  };
  const filter = take("$match") ?? NO_FILTER;
  return { filter, sort: take("$sort"), rest };
}

import { compareValues, rankOf } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression, evaluateConstant } from "../expression/expression.ts";
import type { Expression } from "../expression/scope.ts";
import { compileSort } from "../fields/sort.ts";
import { sortPaced } from "../fields/sort-paced.ts";
import { compileAccumulator, type GroupField } from "./accumulators.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { flowOf, gather, type Stage } from "./flow.ts";
import { compileFields, grouping } from "./group-stage.ts";
import { sorting } from "./sort-stage.ts";

interface BucketSpec {
  readonly groupBy: Expression;
  readonly fields: [string, GroupField][];
}

function common(
  stage: string,
  operand: BsonValue,
  env: PipelineEnvironment,
): BucketSpec & { readonly spec: BsonDocument } {
  if (!isDocument(operand)) throw new CommandFault(40201, `Argument to ${stage} stage must be an object`);
  const groupBy = operand.get("groupBy");
  if (groupBy === undefined) throw new CommandFault(40198, `${stage} requires 'groupBy' to be specified.`);
  const output = operand.get("output");
  if (output !== undefined && !isDocument(output))
    throw new CommandFault(40196, `The ${stage} 'output' field must be an object`);
  const fields = output
    ? compileFields(output, env)
    : [["count", compileAccumulator("$count", new Map(), env.scope)] satisfies [string, GroupField]];
  return { spec: operand, groupBy: compileExpression(groupBy, env.scope), fields };
}

function boundariesOf(spec: BsonDocument, env: PipelineEnvironment): BsonValue[] {
  const given = spec.get("boundaries");
  if (!Array.isArray(given)) throw new CommandFault(40200, "The $bucket 'boundaries' field must be an array");
  const boundaries = given.map((value) => evaluateConstant(value, env.scope) ?? null);
  if (boundaries.length < 2)
    throw new CommandFault(40192, "The $bucket 'boundaries' field must have at least 2 values");
  for (let i = 1; i < boundaries.length; i++) {
    if (rankOf(boundaries[i]!) !== rankOf(boundaries[i - 1]!))
      throw new CommandFault(
        40193,
        "All values in the 'boundaries' option to $bucket must have the same type",
      );
    if (compareValues(boundaries[i - 1]!, boundaries[i]!, env.collation) >= 0)
      throw new CommandFault(
        40194,
        "The 'boundaries' option to $bucket must be sorted, with every value less than the next",
      );
  }
  return boundaries;
}

/** `$bucket`: groups by the boundary below each value, in the order of the boundaries. */
export function compileBucket(operand: BsonValue, env: PipelineEnvironment): Stage {
  const { spec, groupBy, fields } = common("$bucket", operand, env);
  const boundaries = boundariesOf(spec, env);
  const otherwise = spec.has("default")
    ? (evaluateConstant(spec.get("default")!, env.scope) ?? null)
    : undefined;
  const id: Expression = (root) => {
    const value = groupBy(root) ?? null;
    let at = -1;
    while (at + 1 < boundaries.length && compareValues(boundaries[at + 1]!, value, env.collation) <= 0) at++;
    if (at >= 0 && at < boundaries.length - 1) return boundaries[at];
    if (otherwise !== undefined) return otherwise;
    throw new CommandFault(
      40066,
      "$switch could not find a matching branch for an input, and no default was specified.",
    );
  };
  const group = grouping({ id, fields }, env);
  const sort = sorting(compileSort(new Map([["_id", 1]]), env.collation), Infinity, env.pace);
  return (input) => sort(group(input));
}

/** `$bucketAuto`: the given number of buckets of about equal size; equal values share a bucket. */
export function compileBucketAuto(operand: BsonValue, env: PipelineEnvironment): Stage {
  const { spec, groupBy, fields } = common("$bucketAuto", operand, env);
  if (spec.has("granularity")) throw unsupported("The option granularity of $bucketAuto");
  const wanted = spec.get("buckets");
  const buckets = isNumber(wanted) ? toDouble(wanted) : Number.NaN;
  if (!Number.isInteger(buckets) || buckets < 1)
    throw new CommandFault(40243, "The $bucketAuto 'buckets' field must be greater than 0");
  return async function* (input) {
    const items = (await gather(input)).map((doc) => ({ doc, value: groupBy(doc) ?? null }));
    const sorted = await sortPaced(items, (a, b) => compareValues(a.value, b.value, env.collation), env.pace);
    yield* flowOf(await cut(sorted, { buckets, fields, env }), env.pace);
  };
}

async function cut(
  items: readonly { doc: BsonDocument; value: BsonValue }[],
  { buckets, fields, env }: { buckets: number; fields: BucketSpec["fields"]; env: PipelineEnvironment },
): Promise<BsonDocument[]> {
  const { collation, pace } = env;
  const isSame = (a: BsonValue, b: BsonValue) => compareValues(a, b, collation) === 0;
  const results: BsonDocument[] = [];
  const size = Math.max(1, Math.round(items.length / buckets));
  for (let start = 0; start < items.length; ) {
    let end = results.length === buckets - 1 ? items.length : Math.min(items.length, start + size);
    while (end < items.length && isSame(items[end]!.value, items[end - 1]!.value)) end++;
    const upper = items[end]?.value ?? items[end - 1]!.value;
    const doc: BsonDocument = new Map([
      [
        "_id",
        new Map([
          ["min", items[start]!.value],
          ["max", upper],
        ]),
      ],
    ]);
    for (const [name, field] of fields) {
      const state = field.create();
      for (let at = start; at < end; at++) {
        state.add(field.input(items[at]!.doc));
        if (pace.isOver()) await pace.pause();
      }
      doc.set(name, state.result() ?? null);
    }
    results.push(doc);
    start = end;
  }
  return results;
}

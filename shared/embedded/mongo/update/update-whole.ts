import { compileUpdatePipeline } from "../aggregate/update-pipeline.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, Timestamp } from "../bson/values.ts";
import { Scope } from "../expression/scope.ts";
import { identical } from "../query/identical.ts";
import type { Update, UpdateOptions } from "./update-options.ts";
import { checkId, dollarField } from "./update-rules.ts";

function checkReplacement(replacement: BsonDocument): void {
  for (const name of replacement.keys()) {
    if (name.startsWith("$"))
      throw dollarField(
        name,
        "an update's replacement document. Consider using an aggregation pipeline with $replaceWith.",
      );
  }
}

/** Compiles an update that replaces a document and keeps its `_id`. */
export function replacementUpdate(given: BsonDocument, { nextTimestamp }: UpdateOptions): Update {
  checkReplacement(given);
  return (doc) => {
    const replacement = nextTimestamp ? withTimestamps(given, nextTimestamp) : given;
    const old = doc.get("_id");
    const next = replacement.get("_id");
    if (old !== undefined && next !== undefined && compareValues(old, next) !== 0) {
      throw new CommandFault(
        66,
        "After applying the update, the (immutable) field '_id' was found to have been altered to another value",
      );
    }
    const id = next ?? old;
    const result: BsonDocument =
      id === undefined ? new Map(replacement) : new Map([["_id", id], ...withoutId(replacement)]);
    return { doc: result, changed: !identical(doc, result) };
  };
}

/** Replaces each top-level `Timestamp(0, 0)` except `_id` by the time of the replacement. */
function withTimestamps(replacement: BsonDocument, nextTimestamp: () => Timestamp): BsonDocument {
  const isEmpty = ([name, value]: [string, BsonValue]) =>
    value instanceof Timestamp && value.value === 0n && name !== "_id";
  const fields = [...replacement];
  if (!fields.some(isEmpty)) return replacement;
  return new Map(fields.map((field) => (isEmpty(field) ? [field[0], nextTimestamp()] : field)));
}

const withoutId = (doc: BsonDocument): [string, BsonValue][] => [...doc].filter(([name]) => name !== "_id");

/** Compiles an update that is a pipeline. */
export function pipelineUpdate(stages: readonly BsonValue[], options: UpdateOptions): Update {
  const apply = compileUpdatePipeline(stages, options.scope ?? new Scope());
  return (doc) => {
    const result = apply(doc);
    const old = doc.get("_id");
    const kept: BsonDocument =
      result.has("_id") || old === undefined ? result : new Map([["_id", old], ...result]);
    checkId(doc, kept);
    return { doc: kept, changed: !identical(doc, kept) };
  };
}

import { Scope } from "../aggregate/scope.ts";
import { compileUpdatePipeline } from "../aggregate/update-pipeline.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { identical } from "./identical.ts";
import type { Update, UpdateOptions } from "./update.ts";
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

/** The update that replaces a document and keeps its `_id`. */
export function replacementUpdate(replacement: BsonDocument): Update {
  checkReplacement(replacement);
  return (doc) => {
    const old = doc.get("_id");
    const given = replacement.get("_id");
    if (old !== undefined && given !== undefined && compareValues(old, given) !== 0) {
      throw new CommandFault(
        66,
        "After applying the update, the (immutable) field '_id' was found to have been altered to another value",
      );
    }
    const id = given ?? old;
    const result: BsonDocument =
      id === undefined ? new Map(replacement) : new Map([["_id", id], ...withoutId(replacement)]);
    return { doc: result, changed: !identical(doc, result) };
  };
}

const withoutId = (doc: BsonDocument): [string, BsonValue][] => [...doc].filter(([name]) => name !== "_id");

/** The update that sends a document through stages. */
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

import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileOperators, type Modifier, type Operators } from "./update-modifiers.ts";
import type { Update, UpdateOptions, UpdateTarget } from "./update-options.ts";
import { changeAt } from "./update-path.ts";
import { resolvePath } from "./update-positions.ts";
import { checkId } from "./update-rules.ts";
import { pipelineUpdate, replacementUpdate } from "./update-whole.ts";

export { upsertSeed } from "./upsert.ts";

function applyPositional(
  doc: BsonDocument,
  modifier: Modifier,
  { target, filters, owned }: { target: UpdateTarget; filters: Operators["filters"]; owned: Set<object> },
): BsonDocument {
  let result = doc;
  for (const parts of resolvePath(modifier.parts, { doc, filters, matchedIndex: target.matchedIndex })) {
    result = changeAt(result, parts, { change: modifier.change, missing: modifier.missing, owned });
  }
  return result;
}

function operatorUpdate(update: BsonDocument, options: UpdateOptions): Update {
  const { modifiers, renames, filters } = compileOperators(update, options);
  return (doc, target) => {
    let result = doc;
    const owned = new Set<object>();
    for (const rename of renames) result = rename.apply(result);
    for (const modifier of modifiers) {
      if (modifier.onlyOnInsert && !target.isInsert) continue;
      result = modifier.isPositional
        ? applyPositional(result, modifier, { target, filters, owned })
        : changeAt(result, modifier.parts, { change: modifier.change, missing: modifier.missing, owned });
    }
    checkId(doc, result);
    return { doc: result, changed: result !== doc };
  };
}

/**
 * Compiles an update: operators, a replacement document, or a pipeline.
 *
 * All errors that do not depend on a document are thrown here. The update throws CommandFault 28 for paths through
 * scalars, 14 and 2 for values that an operator does not accept, 66 if `_id` would change.
 */
export function compileUpdate(update: BsonValue, options: UpdateOptions = {}): Update {
  if (Array.isArray(update)) {
    if (options.arrayFilters?.length)
      throw new CommandFault(9, "arrayFilters may not be specified for pipeline-style updates");
    return pipelineUpdate(update, options);
  }
  if (!isDocument(update)) throw new CommandFault(9, "Update argument must be either an object or an array");
  const first = update.keys().next();
  if (!first.done && first.value.startsWith("$")) return operatorUpdate(update, options);
  if (options.arrayFilters?.length)
    throw new CommandFault(9, "arrayFilters may not be specified for replacement-style updates");
  return replacementUpdate(update, options);
}

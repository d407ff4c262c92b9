import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument } from "../bson/values.ts";

/** An update may not change or remove `_id`. */
export function checkId(before: BsonDocument, after: BsonDocument): void {
  const [old, next] = [before.get("_id"), after.get("_id")];
  if (old === next || old === undefined) return;
  if (next === undefined || compareValues(old, next) !== 0) {
    throw new CommandFault(
      66,
      "Performing an update on the path '_id' would modify the immutable field '_id'",
    );
  }
}

/** The error for a field name with a leading dollar, which would look like an operator. */
export const dollarField = (name: string, context: string): CommandFault =>
  new CommandFault(
    52,
    `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of ${context}`,
  );

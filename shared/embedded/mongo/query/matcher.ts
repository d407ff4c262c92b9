import type { Collation } from "../bson/collation.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Scope } from "../expression/scope.ts";
import { matched } from "../fields/path.ts";

/** A compiled filter. */
export type Matcher = (doc: BsonDocument) => boolean;

export interface MatchOptions {
  /** Variables that `$expr` may use. */
  readonly scope?: Scope;
  readonly collation?: Collation;
  /** Where `$expr` is allowed; default: everywhere. */
  readonly expr?: "at the top only" | "banned";
}

/** Operators on whole documents, used in the place of a field name. */
export const DOCUMENT_OPERATORS: ReadonlySet<string> = new Set([
  "$and",
  "$or",
  "$nor",
  "$expr",
  "$where",
  "$text",
  "$jsonSchema",
  "$comment",
  "$alwaysTrue",
  "$alwaysFalse",
]);

/** Negates a test and restores the array position that the positional `$` uses. */
export function negate(test: Matcher): Matcher {
  return (doc) => {
    const index = matched.index;
    const result = !test(doc);
    matched.index = index;
    return result;
  };
}

/** Combines tests into one that passes if all pass. */
export function allOf(tests: readonly Matcher[]): Matcher {
  if (tests.length === 0) return () => true;
  if (tests.length === 1) return tests[0]!;
  return (doc) => {
    for (const test of tests) if (!test(doc)) return false;
    return true;
  };
}

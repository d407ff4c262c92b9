import { rawPath } from "../bson/raw.ts";
import { type BsonDocument, type BsonValue, Regex } from "../bson/values.ts";
import { parsePath, type ValueTest } from "../fields/path.ts";
import { isOperatorDocument } from "./field-operand.ts";
import { plainTest } from "./match.ts";
import type { MatchOptions } from "./matcher.ts";

/** True or false where the bytes of a document decide, undefined where it must be decoded to know. */
export type RawMatcher = (bytes: Uint8Array) => boolean | undefined;

interface Condition {
  readonly parts: readonly string[];
  readonly test: ValueTest;
}

/** False where a part of the filter is no condition on one field. */
function collect(filter: BsonDocument, options: MatchOptions, into: Condition[]): boolean {
  let isWhole = true;
  for (const [name, value] of filter) {
    if (name === "$and" && Array.isArray(value)) {
      for (const part of value) if (!collect(part as BsonDocument, options, into)) isWhole = false;
    } else if (name.startsWith("$")) isWhole = isWhole && name === "$comment";
    else into.push({ parts: parsePath(name).parts, test: plainTest(operatorsOf(value), options) });
  }
  return isWhole;
}

const operatorsOf = (value: BsonValue): BsonDocument =>
  isOperatorDocument(value) ? value : new Map([[value instanceof Regex ? "$regex" : "$eq", value]]);

/**
 * Compiles a (correct) filter to a test of encoded documents: decoding one field costs a tenth of decoding all.
 *
 * Arrays on a path leave the answer open, except that one false condition settles it.
 */
export function compileRawMatch(filter: BsonDocument, options: MatchOptions = {}): RawMatcher {
  const conditions: Condition[] = [];
  const isWhole = collect(filter, options, conditions);
  return (bytes) => {
    let isKnown = isWhole;
    for (const { parts, test } of conditions) {
      const found = rawPath(bytes, parts);
      if (found === "array") isKnown = false;
      else if (!test(found.value)) return false;
    }
    return isKnown ? true : undefined;
  };
}

import { rawPath } from "../bson/raw.ts";
import { type BsonDocument, type BsonValue, Regex } from "../bson/values.ts";
import { parsePath, type ValueTest } from "../fields/path.ts";
import { isOperatorDocument } from "./field-operand.ts";
import { plainTest } from "./match.ts";
import type { MatchOptions } from "./matcher.ts";

/** The result if the bytes of a document are enough to decide; undefined if it must be decoded. */
export type RawMatcher = (bytes: Uint8Array) => boolean | undefined;

interface Condition {
  readonly parts: readonly string[];
  readonly test: ValueTest;
}

/** False if a part of the filter is not a condition on one field. */
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
 * Compiles a valid filter to a test of encoded documents: decoding one field costs a tenth of decoding all.
 *
 * Arrays on a path make the result undecided, unless another condition is false.
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

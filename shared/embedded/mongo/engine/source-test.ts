import type { BsonDocument } from "../bson/values.ts";
import { compileMatch } from "../query/match.ts";
import type { Matcher, MatchOptions } from "../query/matcher.ts";
import { compileRawMatch } from "../query/raw-match.ts";
import type { LazyDocument } from "./lazy-document.ts";

export type SourceTest = (source: LazyDocument) => boolean;

/** Tests stored documents with a filter. Decodes a document only if its bytes are not enough to decide. */
export function sourceTest(
  filter: BsonDocument,
  options: MatchOptions = {},
  match: Matcher = compileMatch(filter, options),
): SourceTest {
  const raw = compileRawMatch(filter, options);
  return (source) => raw(source.bytes) ?? match(source.document);
}

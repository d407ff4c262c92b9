import type { Collation } from "../bson/collation.ts";
import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { compileMatch } from "../query/match.ts";
import type { MatchOptions } from "../query/matcher.ts";
import { currentAt } from "./update-path.ts";

/** The condition of one `$[identifier]`, on single elements. */
export type ElementTest = (element: BsonValue) => boolean;

/** The identifier at the start of every path of an array filter. */
function identifierOf(filter: BsonDocument, into: Set<string>): void {
  for (const [name, value] of filter) {
    if (name === "$and" || name === "$or" || name === "$nor") {
      if (Array.isArray(value)) for (const part of value) if (part instanceof Map) identifierOf(part, into);
    } else if (!name.startsWith("$")) into.add(name.split(".")[0]!);
  }
}

/** Compiles `arrayFilters` to one test per identifier. */
export function compileArrayFilters(
  filters: readonly BsonDocument[],
  options: MatchOptions & { readonly collation?: Collation },
): Map<string, ElementTest> {
  const tests = new Map<string, ElementTest>();
  for (const filter of filters) {
    const names = new Set<string>();
    identifierOf(filter, names);
    const [name] = names;
    if (name === undefined)
      throw new CommandFault(9, "Cannot use an expression without a top-level field name in arrayFilters");
    if (names.size > 1) {
      throw new CommandFault(
        9,
        `Error parsing array filter :: caused by :: Expected a single top-level field name, found '${[...names].join("' and '")}'`,
      );
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
      throw new CommandFault(
        2,
        `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${name}'`,
      );
    }
    if (tests.has(name))
      throw new CommandFault(9, `Found multiple array filters with the same top-level field name ${name}`);
    const match = compileMatch(filter, options);
    tests.set(name, (element) => match(new Map([[name, element]])));
  }
  return tests;
}

const IDENTIFIER = /^\$\[(.*)\]$/;

/** The identifier of a `$[identifier]` part: empty for `$[]`, undefined for any other part. */
export const identifierPart = (part: string): string | undefined => IDENTIFIER.exec(part)?.[1];

export const isPositional = (part: string): boolean =>
  part.charCodeAt(0) === DOLLAR && (part === "$" || IDENTIFIER.test(part));
const DOLLAR = 36;

interface Resolution {
  readonly doc: BsonDocument;
  readonly filters: ReadonlyMap<string, ElementTest>;
  readonly matchedIndex: number | undefined;
}

function elementsAt(parts: readonly string[], doc: BsonDocument): BsonValue[] {
  const value = currentAt(doc, parts);
  if (Array.isArray(value)) return value;
  const path = parts.join(".");
  if (value === undefined)
    throw new CommandFault(
      2,
      `The path '${path}' must exist in the document in order to apply array updates.`,
    );
  throw new CommandFault(2, `Cannot apply array updates to non-array element ${path}`);
}

/** Replaces `$`, `$[]` and `$[identifier]` by the array positions in one document. */
export function resolvePath(parts: readonly string[], resolution: Resolution): string[][] {
  const at = parts.findIndex(isPositional);
  if (at < 0) return [parts as string[]];
  const before = parts.slice(0, at);
  const after = parts.slice(at + 1);
  return positionsOf(parts[at]!, before, resolution).flatMap((index) =>
    resolvePath([...before, String(index), ...after], resolution),
  );
}

function positionsOf(
  part: string,
  before: readonly string[],
  { doc, filters, matchedIndex }: Resolution,
): number[] {
  if (part === "$") {
    if (matchedIndex !== undefined) return [matchedIndex];
    throw new CommandFault(2, "The positional operator did not find the match needed from the query.");
  }
  const test = filters.get(identifierPart(part)!);
  return elementsAt(before, doc).flatMap((element, index) => (!test || test(element) ? [index] : []));
}

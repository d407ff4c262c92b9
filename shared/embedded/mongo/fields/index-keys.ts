import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, UNDEFINED } from "../bson/values.ts";

/** A value, and the rest of the path to follow inside it. */
interface Branch {
  readonly node: BsonValue | undefined;
  readonly rest: readonly string[];
}

/** One value for each field of the index; undefined for missing fields. */
export type KeyTuple = readonly (BsonValue | undefined)[];

/**
 * Returns the values of a document in a compound index: one tuple, or one per element of the array on its paths.
 * Fields below the same array take their values from the same element.
 *
 * @throws CommandFault 171 if two different arrays are on the paths
 */
export function keyTuples(document: BsonDocument, paths: readonly (readonly string[])[]): KeyTuple[] {
  const tuples: KeyTuple[] = [];
  expand(
    paths.map((rest) => descend({ node: document, rest })),
    tuples,
  );
  return tuples;
}

/** Follows a path through documents and numeric array positions, up to its end or to an array. */
function descend({ node, rest }: Branch): Branch {
  let current = node;
  let depth = 0;
  for (; depth < rest.length; depth++) {
    const name = rest[depth]!;
    if (current instanceof Map) current = current.get(name);
    else if (Array.isArray(current)) {
      if (!/^\d+$/.test(name) || Number(name) >= current.length) break;
      current = current[Number(name)];
    } else return { node: undefined, rest: [] };
  }
  return { node: current, rest: rest.slice(depth) };
}

function expand(branches: readonly Branch[], tuples: KeyTuple[]): void {
  const array = branches.find(({ node }) => Array.isArray(node))?.node as BsonValue[] | undefined;
  if (array === undefined) {
    tuples.push(branches.map(({ node }) => node));
    return;
  }
  if (branches.some(({ node }) => Array.isArray(node) && node !== array)) {
    throw new CommandFault(171, "cannot index parallel arrays: only one field of an index may hold an array");
  }
  if (array.length === 0) {
    tuples.push(
      branches.map(({ node, rest }) => (node !== array ? node : rest.length > 0 ? undefined : UNDEFINED)),
    );
    return;
  }
  for (const element of array) {
    const ends: BsonValue[] = [];
    const next = branches.map((branch) => {
      if (branch.node !== array) return branch;
      if (branch.rest.length > 0) {
        return element instanceof Map ? descend({ node: element, rest: branch.rest }) : MISSING;
      }
      ends.push(element);
      return branch;
    });
    if (ends.length === 0) expand(next, tuples);
    else expandAroundElement(next, { array, element }, tuples);
  }
}

const MISSING: Branch = { node: undefined, rest: [] };

/** An element of an array ends the path, even if it is an array itself. */
function expandAroundElement(
  branches: readonly Branch[],
  { array, element }: { array: BsonValue[]; element: BsonValue },
  tuples: KeyTuple[],
): void {
  const others: KeyTuple[] = [];
  expand(
    branches.map((branch) => (branch.node === array ? MISSING : branch)),
    others,
  );
  for (const tuple of others) {
    tuples.push(tuple.map((value, i) => (branches[i]!.node === array ? element : value)));
  }
}

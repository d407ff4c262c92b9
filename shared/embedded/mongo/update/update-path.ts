import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { arrayPosition } from "../fields/path.ts";

/** Computes a field's new value; undefined leaves the field unchanged, {@link REMOVED} removes it. */
export type Change = (old: BsonValue | undefined) => BsonValue | undefined | typeof REMOVED;

export const REMOVED = Symbol("removed");

/** Real servers reject updates that add more missing elements than this. */
const MAX_PADDING = 1_500_000;

/**
 * The handling of a missing path: create the missing containers; change nothing, but fail if they could not be
 * created; or change nothing.
 */
export type MissingPath = "create" | "require viable" | "ignore";

const describe = (name: string, value: BsonValue): string => `{${name}: ${typeNameOf(value)}}`;

interface Step {
  readonly parts: readonly string[];
  readonly change: Change;
  readonly missing: MissingPath;
  /** Containers that this update has copied and may change in place. */
  readonly owned: Set<object>;
}

/**
 * Applies a change at a path without positional parts and returns the new root: containers on the path are copied
 * (once for all changes that share `owned`), everything else is shared. Without a change the root stays the same.
 *
 * @throws CommandFault 28 (PathNotViable) if a scalar is on the path of a field to be created
 */
export function changeAt(
  root: BsonDocument,
  parts: readonly string[],
  { change, missing, owned = new Set() }: { change: Change; missing: MissingPath; owned?: Set<object> },
): BsonDocument {
  return changeInDocument(root, 0, { parts, change, missing, owned });
}

function ownDocument(doc: BsonDocument, owned: Set<object>): BsonDocument {
  if (owned.has(doc)) return doc;
  const copy = new Map(doc);
  owned.add(copy);
  return copy;
}

function ownArray(items: BsonValue[], owned: Set<object>): BsonValue[] {
  if (owned.has(items)) return items;
  const copy = items.slice();
  owned.add(copy);
  return copy;
}

function changeInDocument(doc: BsonDocument, at: number, step: Step): BsonDocument {
  const name = step.parts[at]!;
  const old = doc.get(name);
  const next = changed(old, at, step);
  if (next === undefined || next === old) return doc;
  const copy = ownDocument(doc, step.owned);
  if (next === REMOVED) copy.delete(name);
  else copy.set(name, next);
  return copy;
}

function changed(old: BsonValue | undefined, at: number, step: Step): BsonValue | undefined | typeof REMOVED {
  const { parts, change, missing } = step;
  if (at === parts.length - 1) return change(old);
  if (old instanceof Map) return changeInDocument(old, at + 1, step);
  if (Array.isArray(old)) return changeInArray(old, at + 1, step);
  if (missing === "ignore") return undefined;
  if (old !== undefined) {
    throw new CommandFault(
      28,
      `Cannot create field '${parts[at + 1]}' in element ${describe(parts[at]!, old)}`,
    );
  }
  if (missing !== "create") return undefined;
  const fresh = changeInDocument(new Map(), at + 1, step);
  return fresh.size > 0 ? fresh : undefined;
}

function changeInArray(items: BsonValue[], at: number, step: Step): BsonValue[] {
  const name = step.parts[at]!;
  const index = arrayPosition(name);
  if (index < 0) {
    if (step.missing === "ignore") return items;
    throw new CommandFault(
      28,
      `Cannot create field '${name}' in element ${describe(step.parts[at - 1]!, items)}`,
    );
  }
  const old = items[index];
  const next = changed(old, at, step);
  if (next === undefined || next === old || (next === REMOVED && index >= items.length)) return items;
  if (index - items.length > MAX_PADDING) {
    throw new CommandFault(2, `can't backfill more than ${MAX_PADDING} elements`);
  }
  const copy = ownArray(items, step.owned);
  while (copy.length < index) copy.push(null);
  copy[index] = next === REMOVED ? null : next;
  return copy;
}

/** Returns the value at a path of names and positions; undefined if there is none. */
export function currentAt(root: BsonValue | undefined, parts: readonly string[]): BsonValue | undefined {
  let value = root;
  for (const part of parts) {
    if (value instanceof Map) value = value.get(part);
    else if (Array.isArray(value)) value = value[arrayPosition(part)];
    else return undefined;
  }
  return value;
}

const comparePart = (a: string, b: string): number => {
  const [x, y] = [arrayPosition(a), arrayPosition(b)];
  if (x >= 0 && y >= 0) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
};

/** The order in which fields are changed and appended: by name, array positions by number. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = comparePart(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

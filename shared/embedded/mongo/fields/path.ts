import { type BsonDocument, type BsonValue, UNDEFINED } from "../bson/values.ts";

/** A dotted path in parts, with the array position of each part (-1 if it is not a number). */
export interface Path {
  readonly text: string;
  readonly parts: readonly string[];
  readonly positions: readonly number[];
}

const POSITION = /^(?:0|[1-9]\d{0,9})$/;

/** Returns a path component as an array position, or -1. */
export const arrayPosition = (part: string): number => (POSITION.test(part) ? Number(part) : -1);

const parsed = new Map<string, Path>();
/** Programs use few distinct paths; the limit protects the memory from clients that generate them. */
const MAX_PARSED = 5_000;

export function parsePath(text: string): Path {
  const known = parsed.get(text);
  if (known) return known;
  const parts = text.split(".");
  const path = { text, parts, positions: parts.map(arrayPosition) };
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(text, path);
  return path;
}

/** Receives each value at a path; `undefined` if there is none. Returning true ends the search. */
export type ValueTest = (value: BsonValue | undefined) => boolean;

/** The outermost array position of the last successful search: the positional `$` of an update. */
export const matched = { index: -1 };

interface Search {
  readonly path: Path;
  /** Whether an array at the end of the path also contributes its elements. */
  readonly expandLeaf: boolean;
  readonly test: ValueTest;
}

/**
 * Returns true if `test` accepts one of the values at the path, as in MongoDB's filters: an array on the path
 * contributes its documents and the position that the path names, and nothing if it has neither.
 */
export function anyValueAt(doc: BsonDocument, path: Path, expandLeaf: boolean, test: ValueTest): boolean {
  const value = doc.get(path.parts[0]!);
  if (path.parts.length === 1) {
    if (Array.isArray(value)) return expandLeaf ? inLeafArray(value, test) : test(value);
    return test(value);
  }
  return continueAt(value, 1, { path, expandLeaf, test });
}

function inLeafArray(items: readonly BsonValue[], test: ValueTest): boolean {
  for (let i = 0; i < items.length; i++) {
    if (test(items[i])) {
      matched.index = i;
      return true;
    }
  }
  return test(items as BsonValue[]);
}

function inDocument(doc: BsonDocument, at: number, search: Search): boolean {
  const value = doc.get(search.path.parts[at]!);
  if (at < search.path.parts.length - 1) return continueAt(value, at + 1, search);
  if (Array.isArray(value) && search.expandLeaf) return inLeafArray(value, search.test);
  return search.test(value);
}

function continueAt(value: BsonValue | undefined, at: number, search: Search): boolean {
  if (value instanceof Map) return inDocument(value, at, search);
  if (Array.isArray(value)) return inArray(value, at, search);
  return search.test(undefined);
}

function inArray(items: readonly BsonValue[], at: number, search: Search): boolean {
  const position = search.path.positions[at]!;
  const isLast = at === search.path.parts.length - 1;
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    if (item instanceof Map && inDocument(item, at, search)) {
      matched.index = i;
      return true;
    }
    if (i !== position) continue;
    if (isLast) {
      if (search.test(item)) return true;
    } else if ((item instanceof Map || Array.isArray(item)) && continueAt(item, at + 1, search)) return true;
  }
  return false;
}

/**
 * Returns the values of a document for an index or a sort: elements instead of an array (`undefined` for an empty
 * one), null for missing fields. Never empty.
 */
export function keyValuesAt(doc: BsonDocument, path: Path): BsonValue[] {
  const values: BsonValue[] = [];
  collect(doc, 0, path, values);
  return values;
}

function collect(value: BsonValue | undefined, at: number, path: Path, into: BsonValue[]): void {
  if (at === path.parts.length) {
    if (!Array.isArray(value)) into.push(value ?? null);
    else if (value.length === 0) into.push(UNDEFINED);
    else for (const item of value) into.push(item);
    return;
  }
  if (value instanceof Map) collect(value.get(path.parts[at]!), at + 1, path, into);
  else if (Array.isArray(value)) collectFromArray(value, at, path, into);
  else into.push(null);
}

function collectFromArray(items: readonly BsonValue[], at: number, path: Path, into: BsonValue[]): void {
  const position = path.positions[at]!;
  const hasNamed = items.some((item) => item instanceof Map && item.has(path.parts[at]!));
  if (position >= 0 && !hasNamed) collect(items[position], at + 1, path, into);
  else if (items.length === 0) into.push(null);
  else for (const item of items) collect(item instanceof Map ? item : null, at, path, into);
}

/** Returns the value at a path whose components are field names or array positions. */
export function valueAt(root: BsonValue | undefined, parts: readonly string[]): BsonValue | undefined {
  let value = root;
  for (const part of parts) {
    if (value instanceof Map) value = value.get(part);
    else if (Array.isArray(value)) {
      const position = arrayPosition(part);
      value = position < 0 ? undefined : value[position];
    } else return undefined;
  }
  return value;
}

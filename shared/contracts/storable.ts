import type { ParamReason } from "./handler-faults.ts";

/**
 * Levels of objects and arrays that a stored value may have. MongoDB accepts 100, and the documents around a value need
 * some of them.
 */
export const STORABLE_MAX_DEPTH = 64;

/** One part of a JSON value that MongoDB cannot hold, or would return as something else. Never the value itself. */
export interface StorableFault {
  /** Path of that part: `json.rows[2].title`. */
  readonly field: string;
  readonly reason: ParamReason;
  /** Reads after the field: `has a key that contains the character NUL`. */
  readonly fault: string;
  readonly expected: string;
}

type Part = string | number;
type Fault = Omit<StorableFault, "field">;

/** The first part of a JSON value that no store here can hold; `path` is put before its field. */
export function storableFault(value: unknown, path = ""): StorableFault | undefined {
  return search(value, { parts: [], path });
}

/**
 * A JSON value as it can be stored: each object or array that cannot be is replaced by its JSON text. Returns the
 * value itself where nothing had to be replaced.
 */
export function toStorable(value: unknown): {
  readonly value: unknown;
  readonly faults: readonly StorableFault[];
} {
  if (!storableFault(value)) return { value, faults: [] };
  const faults: StorableFault[] = [];
  return { value: replace(value, { parts: [], path: "" }, faults), faults };
}

interface Position {
  readonly parts: Part[];
  readonly path: string;
}

function search(value: unknown, at: Position): StorableFault | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fault = faultOf(value, at.parts.length);
  if (fault) return { field: fieldOf(at), ...fault };
  const parts = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const part of parts) {
    at.parts.push(part);
    const inner = search((value as Record<Part, unknown>)[part], at);
    if (inner) return inner;
    at.parts.pop();
  }
  return undefined;
}

function replace(value: unknown, at: Position, faults: StorableFault[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const fault = faultOf(value, at.parts.length);
  if (fault) {
    faults.push({ field: fieldOf(at), ...fault });
    return textOf(value);
  }
  const within = (part: Part, inner: unknown): unknown => {
    at.parts.push(part);
    const replaced = replace(inner, at, faults);
    at.parts.pop();
    return replaced;
  };
  if (Array.isArray(value)) return value.map((inner, index) => within(index, inner));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(key, inner)]));
}

const KEYS = "plain names as keys";

/** What is wrong with this object or array itself, `depth` levels below the top. */
function faultOf(value: object, depth: number): Fault | undefined {
  if (depth >= STORABLE_MAX_DEPTH)
    return {
      reason: "NESTED_TOO_DEEP",
      fault: "is nested too deep",
      expected: `at most ${STORABLE_MAX_DEPTH} levels of objects and arrays`,
    };
  if (Array.isArray(value)) return undefined;
  for (const key of Object.keys(value)) {
    // The driver treats an object with this key as one of its own types.
    if (key === "_bsontype")
      return { reason: "RESERVED_KEY", fault: "has the reserved key _bsontype", expected: KEYS };
    if (key.includes("\0"))
      return { reason: "NUL_IN_KEY", fault: "has a key that contains the character NUL", expected: KEYS };
    // All of these are stored as the same character, so that two keys would become one.
    if (!key.isWellFormed())
      return { reason: "KEY_NOT_UNICODE", fault: "has a key that is not valid Unicode", expected: KEYS };
  }
  // The driver reads it back as a DBRef.
  if (Object.hasOwn(value, "$ref") && Object.hasOwn(value, "$id"))
    return {
      reason: "REFERENCE",
      fault: "has both $ref and $id, which MongoDB takes for a reference",
      expected: "at most one of the two",
    };
  return undefined;
}

/** JSON that is too deep for `JSON.stringify` is not shown. */
function textOf(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "[nested too deep to be shown]";
  }
}

const SHOWN_KEY = 100;

function fieldOf({ parts, path }: Position): string {
  let field = path;
  for (const part of parts) {
    if (typeof part === "number") field += `[${part}]`;
    else {
      const key = part.length > SHOWN_KEY ? `${part.slice(0, SHOWN_KEY)}…` : part;
      field += field === "" ? key : `.${key}`;
    }
  }
  return field;
}

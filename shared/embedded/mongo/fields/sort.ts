import type { Collation } from "../bson/collation.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { requireFieldPath } from "./field-path.ts";
import { keyTuples } from "./index-keys.ts";
import { type Path, parsePath } from "./path.ts";

/** The sort key of a document: computed once, compared often. */
export type SortKey = string | readonly BsonValue[];

export interface Sorter {
  keyOf(doc: BsonDocument): SortKey;
  compare(a: SortKey, b: SortKey): number;
}

interface SortField {
  readonly path: Path;
  readonly direction: 1 | -1;
}

function direction(name: string, value: BsonValue): 1 | -1 {
  if (isDocument(value)) {
    if (value.has("$meta")) throw unsupported("Sorting by $meta");
    throw new CommandFault(2, `Illegal key in $sort specification: ${name}`);
  }
  if (!isNumber(value))
    throw new CommandFault(15974, `Illegal key in $sort specification: ${name}: ${String(value)}`);
  const number = toDouble(value);
  if (number !== 1 && number !== -1) {
    throw new CommandFault(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
  }
  return number;
}

function sortField(name: string, value: BsonValue): SortField {
  requireFieldPath(name);
  return { path: parsePath(name), direction: direction(name, value) };
}

/** The values of paths without arrays; undefined if there is an array on one of them. */
function scalarsAt(doc: BsonDocument, fields: readonly SortField[]): BsonValue[] | undefined {
  const values: BsonValue[] = [];
  for (const { path } of fields) {
    let value: BsonValue | undefined = doc;
    for (const part of path.parts) {
      value = value instanceof Map ? value.get(part) : undefined;
      if (Array.isArray(value)) return undefined;
    }
    values.push(value ?? null);
  }
  return values;
}

/** The combinations of values of the document in an index on the same paths. */
function combinationsAt(doc: BsonDocument, fields: readonly SortField[]): BsonValue[][] {
  try {
    const tuples = keyTuples(
      doc,
      fields.map(({ path }) => path.parts),
    );
    return tuples.map((tuple) => tuple.map((value) => value ?? null));
  } catch (error) {
    if (error instanceof CommandFault && error.code === PARALLEL_ARRAYS)
      throw new CommandFault(2, "cannot sort with keys that are parallel arrays");
    throw error;
  }
}
const PARALLEL_ARRAYS = 171;

class CompiledSort implements Sorter {
  readonly #fields: readonly SortField[];
  readonly #directions: readonly (1 | -1)[];
  readonly #collation: Collation | undefined;

  constructor(fields: readonly SortField[], collation: Collation | undefined) {
    this.#fields = fields;
    this.#directions = fields.map((field) => field.direction);
    this.#collation = collation;
  }

  #keyOfValues(values: BsonValue[]): SortKey {
    return this.#collation ? values : indexKey(values, this.#directions);
  }

  keyOf(doc: BsonDocument): SortKey {
    const values = scalarsAt(doc, this.#fields);
    if (values !== undefined) return this.#keyOfValues(values);
    // Of the combinations of an array, the first one in this order counts.
    return combinationsAt(doc, this.#fields)
      .map((combination) => this.#keyOfValues(combination))
      .reduce((best, key) => (this.compare(key, best) < 0 ? key : best));
  }

  compare(a: SortKey, b: SortKey): number {
    if (typeof a === "string") return a < (b as string) ? -1 : a > (b as string) ? 1 : 0;
    for (let i = 0; i < a.length; i++) {
      const order = this.#directions[i]! * compareValues(a[i]!, b[i]!, this.#collation);
      if (order !== 0) return order;
    }
    return 0;
  }
}

/**
 * Compiles a sort specification. Arrays sort by their smallest element ascending and their largest descending,
 * missing fields as null.
 *
 * @throws CommandFault 15975 for a direction that is neither 1 nor -1, 115 for `$meta`; the sort itself throws 2
 *   for a document in which two of the paths go through different arrays
 */
export function compileSort(spec: BsonDocument, collation?: Collation): Sorter {
  return new CompiledSort(
    [...spec].map(([name, value]) => sortField(name, value)),
    collation,
  );
}

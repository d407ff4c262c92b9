import { compareValues } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import type { Collation } from "./collation.ts";
import { requireFieldPath } from "./field-path.ts";
import { keyValuesAt, type Path, parsePath, valueAt } from "./path.ts";
import { changeAt } from "./update-path.ts";

/** What a document sorts by: computed once, compared often. */
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

/** Of an array's elements the one that counts: the least ascending, the greatest descending. */
function representative(values: readonly BsonValue[], sign: 1 | -1, collation?: Collation): BsonValue {
  let best = values[0]!;
  for (let i = 1; i < values.length; i++) {
    if (sign * compareValues(values[i]!, best, collation) < 0) best = values[i]!;
  }
  return best;
}

/** The beginning of a path that leads to its first array; undefined where it meets none. */
function firstArray(doc: BsonDocument, { parts }: Path): readonly string[] | undefined {
  let value: BsonValue | undefined = doc;
  for (let i = 0; i < parts.length; i++) {
    value = value instanceof Map ? value.get(parts[i]!) : undefined;
    if (Array.isArray(value)) return parts.slice(0, i + 1);
  }
  return undefined;
}

/** The array that several of the paths go through: their values are then those of one element together. */
function sharedArray(fields: readonly SortField[], doc: BsonDocument): readonly string[] | undefined {
  if (fields.length < 2) return undefined;
  const arrays = fields.map(({ path }) => firstArray(doc, path)).filter((parts) => parts !== undefined);
  if (arrays.length < 2) return undefined;
  const [first] = arrays;
  if (arrays.some((parts) => parts.join(".") !== first!.join("."))) {
    throw new CommandFault(2, "cannot sort with keys that are parallel arrays");
  }
  return first;
}

class CompiledSort implements Sorter {
  readonly #fields: readonly SortField[];
  readonly #directions: readonly (1 | -1)[];
  readonly #collation: Collation | undefined;

  constructor(fields: readonly SortField[], collation: Collation | undefined) {
    this.#fields = fields;
    this.#directions = fields.map((field) => field.direction);
    this.#collation = collation;
  }

  #valuesOf(doc: BsonDocument): BsonValue[] {
    return this.#fields.map(({ path, direction: sign }) => {
      if (path.parts.length === 1) {
        const value = doc.get(path.text);
        if (!Array.isArray(value)) return value ?? null;
      }
      return representative(keyValuesAt(doc, path), sign, this.#collation);
    });
  }

  #keyOfValues(values: BsonValue[]): SortKey {
    return this.#collation ? values : indexKey(values, this.#directions);
  }

  keyOf(doc: BsonDocument): SortKey {
    const array = sharedArray(this.#fields, doc);
    const items = array && (valueAt(doc, array) as BsonValue[]);
    if (!items || items.length === 0) return this.#keyOfValues(this.#valuesOf(doc));
    return items
      .map((item) => this.keyOf(changeAt(doc, array, { change: () => item, creates: false })))
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
 * Compiles a sort specification. Arrays sort by their least element ascending and their greatest descending,
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

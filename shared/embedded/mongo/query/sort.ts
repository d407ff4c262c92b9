import { compareValues } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import type { Collation } from "./collation.ts";
import { keyValuesAt, type Path, parsePath } from "./path.ts";

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
  if (name === "" || name.split(".").includes(""))
    throw new CommandFault(15998, "FieldPath field names may not be empty strings.");
  if (name.startsWith("$"))
    throw new CommandFault(
      16410,
      `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
    );
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

/** Two sort paths through one array take their values from the same element. */
function sharedArrayHead(fields: readonly SortField[], doc: BsonDocument): readonly BsonValue[] | undefined {
  if (fields.length < 2) return undefined;
  const head = fields[0]!.path.parts[0]!;
  const items = doc.get(head);
  if (!Array.isArray(items) || items.length === 0) return undefined;
  return fields.every(({ path }) => path.parts.length > 1 && path.parts[0] === head) ? items : undefined;
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
    const items = sharedArrayHead(this.#fields, doc);
    if (!items) return this.#keyOfValues(this.#valuesOf(doc));
    const head = this.#fields[0]!.path.parts[0]!;
    const keys = items.map((item) => this.#keyOfValues(this.#valuesOf(new Map([[head, item]]))));
    return keys.reduce((best, key) => (this.compare(key, best) < 0 ? key : best));
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
 * @throws CommandFault 15975 for a direction that is neither 1 nor -1, 115 for `$meta`
 */
export function compileSort(spec: BsonDocument, collation?: Collation): Sorter {
  return new CompiledSort(
    [...spec].map(([name, value]) => sortField(name, value)),
    collation,
  );
}

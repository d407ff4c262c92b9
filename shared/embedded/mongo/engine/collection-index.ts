import { type Collation, compileCollation } from "../bson/collation.ts";
import { addToKey, beginKey, finishKey, indexKey } from "../bson/key.ts";
import { elementAt } from "../bson/raw.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { type KeyTuple, keyTuples } from "../fields/index-keys.ts";
import type { DocumentRecord } from "./document-record.ts";
import type { LazyDocument } from "./lazy-document.ts";
import { OrderedEntries } from "./ordered-entries.ts";
import { type SourceTest, sourceTest } from "./source-test.ts";
import { TextClasses } from "./text-classes.ts";

export interface IndexField {
  readonly path: string;
  readonly parts: readonly string[];
  readonly direction: 1 | -1;
}

const NO_KEYS: readonly string[] = [];

/** One index: its definition and its entries, one or more for each version of an indexed document. */
export class CollectionIndex {
  readonly name: string;
  /** The definition as `listIndexes` shows it. */
  readonly definition: BsonDocument;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  readonly partialFilter: BsonDocument | null;
  /** Decides which strings are equal. An index with a collation serves equality only, not ranges or order. */
  readonly collation: Collation | undefined;
  readonly expireAfterSeconds: number | null;
  /** Maintained by writes, but not used by queries. */
  readonly isHidden: boolean;
  /** First parts of all paths that an entry depends on. Changes to other fields do not affect the index. */
  readonly heads: ReadonlySet<string>;
  readonly entries: OrderedEntries;
  /** False while it is being built: writes maintain it, but reads do not use it yet. */
  isReady = true;
  /** How many queries have used it, and the start of the count. */
  readonly accesses: { ops: number; readonly since: number };
  /** True once a document had an array at one of the paths; it never becomes false again. */
  isMultikey: boolean;
  readonly #paths: readonly (readonly string[])[];
  readonly #directions: readonly (1 | -1)[];
  readonly #admits: SourceTest | null;
  /** null if strings are ordered by their bytes. */
  readonly #texts: TextClasses | null;

  /**
   * @param before an index whose entries the new one takes over; its definition may differ only in options that
   * affect no entry
   */
  constructor(definition: BsonDocument, before: CollectionIndex | null = null) {
    this.definition = definition;
    this.entries = before?.entries ?? new OrderedEntries();
    this.accesses = before?.accesses ?? { ops: 0, since: Date.now() };
    this.isMultikey = before?.isMultikey ?? false;
    this.collation = compileCollation(definition.get("collation"));
    this.#texts =
      before === null ? ((this.collation && new TextClasses(this.collation)) ?? null) : before.#texts;
    this.name = definition.get("name") as string;
    this.fields = [...(definition.get("key") as BsonDocument)].map(([path, direction]) => ({
      path,
      parts: path.split("."),
      direction: isDescending(direction) ? -1 : 1,
    }));
    this.isUnique = definition.get("unique") === true || this.name === "_id_";
    this.isSparse = definition.get("sparse") === true;
    this.partialFilter = (definition.get("partialFilterExpression") as BsonDocument | undefined) ?? null;
    this.isHidden = definition.get("hidden") === true;
    const expiry = definition.get("expireAfterSeconds");
    this.expireAfterSeconds = expiry === undefined ? null : Number(expiry as number);
    this.heads = new Set([...this.fields.map(({ parts }) => parts[0]!), ...headsOf(this.partialFilter)]);
    this.#paths = this.fields.map(({ parts }) => parts);
    this.#directions = this.fields.map(({ direction }) => direction);
    this.#admits = this.partialFilter && sourceTest(this.partialFilter, { collation: this.collation });
  }

  /** Returns an index with the same entries under another definition, which must not affect them. */
  withDefinition(definition: BsonDocument): CollectionIndex {
    return new CollectionIndex(definition, this);
  }

  /** Returns the keys of the entries that a document has in this index. */
  keysOf(source: LazyDocument): readonly string[] {
    if (this.#admits !== null && !this.#admits(source)) return NO_KEYS;
    const { bytes } = source;
    let isMissing = true;
    beginKey(this.#texts);
    for (let i = 0; i < this.#paths.length; i++) {
      const element = elementAt(bytes, this.#paths[i]!);
      if (element === "array") return this.#multipleKeysOf(source);
      if (element !== undefined) isMissing = false;
      addToKey(bytes, element, this.#directions[i]!);
    }
    return this.isSparse && isMissing ? NO_KEYS : [finishKey()];
  }

  /** Returns true if a change of these top-level fields can change the document's entries. */
  isTouchedBy(heads: ReadonlySet<string>): boolean {
    for (const head of this.heads) if (heads.has(head)) return true;
    return false;
  }

  /** Returns true if `key` is an entry of exactly this state of the document. */
  holds(key: string, source: LazyDocument): boolean {
    return this.keysOf(source).includes(key);
  }

  keyOf(values: KeyTuple): string {
    return indexKey(
      values.map((value) => (value === undefined ? null : value)),
      this.#directions,
      this.#texts,
    );
  }

  /** Returns the part of a search key for one field's value. */
  searchKey(value: BsonValue, direction: 1 | -1): string {
    return indexKey([value], [direction], this.#texts?.known);
  }

  /** True if the index holds many more string classes than its entries need; a rebuild frees them. */
  get isWasteful(): boolean {
    return this.#texts !== null && this.#texts.size > 2 * this.entries.size + 10_000;
  }

  /** Returns the common prefix of all keys that begin with these values. */
  prefixOf(values: readonly BsonValue[]): string {
    return indexKey(values, this.#directions, this.#texts?.known);
  }

  addEntries(keys: readonly string[], record: DocumentRecord): void {
    for (const key of keys) this.entries.add(key, record);
  }

  removeEntries(keys: readonly string[], record: DocumentRecord): void {
    for (const key of keys) this.entries.remove(key, record);
  }

  #multipleKeysOf(source: LazyDocument): readonly string[] {
    const tuples = keyTuples(source.document, this.#paths);
    const keys = new Set<string>();
    for (const tuple of tuples) {
      if (this.isSparse && tuple.every((value) => value === undefined)) continue;
      keys.add(this.keyOf(tuple));
    }
    this.isMultikey = true;
    return [...keys];
  }
}

const isDescending = (direction: BsonValue): boolean =>
  Number(typeof direction === "object" && direction && "value" in direction ? direction.value : direction) <
  0;

function headsOf(filter: BsonDocument | null): string[] {
  if (filter === null) return [];
  return [...filter].flatMap(([name, value]) =>
    name.startsWith("$") && Array.isArray(value)
      ? value.flatMap((part) => headsOf(part as BsonDocument))
      : [name.split(".")[0]!],
  );
}

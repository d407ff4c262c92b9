import { type Collation, compileCollation } from "../bson/collation.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../bson/values.ts";
import { CollectionIndex } from "./collection-index.ts";
import {
  DocumentRecord,
  type IndexKeys,
  installPending,
  type ReadView,
  type RecordOwner,
  type UnitOfWork,
  visibleBytes,
  type Write,
} from "./document-record.ts";
import { type DocumentRules, documentRules } from "./document-rules.ts";
import { LazyDocument } from "./lazy-document.ts";
import { RecordList } from "./record-list.ts";
import { checkUnique } from "./unique-check.ts";
import { WriteConflict } from "./write-conflict.ts";

export interface CollectionIdentity {
  readonly database: string;
  readonly name: string;
  /** Identifies the collection in the log; never reused after a drop. */
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly options: BsonDocument;
}

export interface Change {
  readonly record: DocumentRecord;
  readonly source: LazyDocument;
  /** First parts of the changed paths; null if any field may have changed. */
  readonly heads: ReadonlySet<string> | null;
}

/** The documents of one collection and their indexes. Every change goes through a transaction. */
export class Collection implements RecordOwner {
  readonly id: number;
  readonly uuid: Uint8Array;
  #options: BsonDocument;
  /** Rules that the options impose on documents; null if none. */
  #rules: DocumentRules | null;
  /** The default collation of commands on the collection. */
  readonly collation: Collation | undefined;
  database: string;
  name: string;
  /** In natural order. */
  readonly records = new RecordList();
  indexes: CollectionIndex[];
  nextRecordId = 1;
  isDropped = false;

  constructor({ database, name, id, uuid, options }: CollectionIdentity) {
    this.database = database;
    this.name = name;
    this.id = id;
    this.uuid = uuid;
    this.#options = options;
    this.#rules = documentRules(options);
    this.collation = compileCollation(options.get("collation"));
    this.indexes = [new CollectionIndex(idIndexOf(options))];
  }

  get options(): BsonDocument {
    return this.#options;
  }

  /** The definition of a view, which has no documents; null for other collections. */
  get view(): { readonly on: string; readonly pipeline: readonly BsonValue[] } | null {
    const on = this.#options.get("viewOn");
    return typeof on === "string" ? { on, pipeline: this.#options.get("pipeline") as BsonValue[] } : null;
  }

  /** @throws CommandFault for an invalid validator; the options are unchanged then */
  setOptions(options: BsonDocument): void {
    this.#rules = documentRules(options);
    this.#options = options;
  }

  get namespace(): string {
    return `${this.database}.${this.name}`;
  }

  get idIndex(): CollectionIndex {
    return this.indexes[0]!;
  }

  /** @throws DuplicateKey, WriteConflict, DocumentValidationFailure (nothing is written then) */
  insert(transaction: UnitOfWork, source: LazyDocument): DocumentRecord {
    transaction.requireTakesWrites();
    if (this.#rules !== null && !transaction.bypassesRules) this.#rules.check(source, null);
    const record = new DocumentRecord(this.nextRecordId);
    const { indexes } = this;
    const keys = indexes.map((index) => index.keysOf(source));
    for (let i = 0; i < indexes.length; i++) {
      checkUnique({ namespace: this.namespace, index: indexes[i]!, keys: keys[i]!, record, transaction });
    }
    this.nextRecordId += 1;
    this.records.add(record);
    for (let i = 0; i < indexes.length; i++) indexes[i]!.addEntries(keys[i]!, record);
    this.#stage(transaction, { record, bytes: source.bytes, added: null, dropped: NONE });
    return record;
  }

  /** @throws DuplicateKey, WriteConflict, DocumentValidationFailure (nothing is written then) */
  update(transaction: UnitOfWork, { record, source, heads }: Change): void {
    transaction.requireTakesWrites();
    const bytes = requireWritable(record, transaction);
    const before = new LazyDocument(bytes);
    if (this.#rules !== null && !transaction.bypassesRules) this.#rules.check(source, before);
    let added: readonly AddedKeys[] = NONE;
    let dropped: readonly IndexKeys[] = NONE;
    for (const index of this.indexes) {
      if (heads !== null && !index.isTouchedBy(heads)) continue;
      const oldKeys = index.keysOf(before);
      const newKeys = index.keysOf(source);
      const fresh = newKeys.filter((key) => !oldKeys.includes(key));
      const stale = oldKeys.filter((key) => !newKeys.includes(key));
      if (fresh.length > 0) added = [...added, { index, keys: fresh }];
      if (stale.length > 0) dropped = [...dropped, { index, keys: stale }];
    }
    for (const { index, keys } of added)
      checkUnique({ namespace: this.namespace, index, keys, record, transaction });
    for (const { index, keys } of added) index.addEntries(keys, record);
    this.#stage(transaction, { record, bytes: source.bytes, added, dropped });
  }

  /** @throws WriteConflict (nothing is written then) */
  remove(transaction: UnitOfWork, record: DocumentRecord): void {
    transaction.requireTakesWrites();
    requireWritable(record, transaction);
    this.#stage(transaction, { record, bytes: null, added: NONE, dropped: null });
  }

  /** Finds the record with this key in the index on `_id` whose document the view sees. */
  findById(key: string, view: ReadView): DocumentRecord | undefined {
    return this.idIndex.entries.find(key, (record) => visibleBytes(record, view) !== null);
  }

  /** Undoes one write, which must be the last that its transaction made to the record. */
  undo({ record, bytes, before, added }: Write): void {
    record.pending = before;
    const entries = added ?? this.everyKey(bytes);
    if (before === null && record.committedAt === 0) {
      for (const { index, keys } of entries) index.removeEntries(keys, record);
      this.records.delete(record);
    } else this.dropEntries(record, entries);
  }

  /** Returns the entries that a document with these bytes has in all indexes. */
  everyKey(bytes: Uint8Array | null): IndexKeys[] {
    if (bytes === null) return [];
    const source = new LazyDocument(bytes);
    return this.indexes.map((index) => ({ index, keys: index.keysOf(source) }));
  }

  /** Removes entries except those that a remaining version of the record has too. */
  dropEntries(record: DocumentRecord, obsolete: readonly IndexKeys[]): void {
    for (const { index, keys } of obsolete) {
      const kept = keptSources(record);
      for (const key of keys) {
        if (!kept.some((source) => index.holds(key, source))) index.entries.remove(key, record);
      }
    }
  }

  #stage(transaction: UnitOfWork, { record, bytes, added, dropped }: Staged): void {
    const write = {
      owner: transaction,
      collection: this,
      record,
      bytes,
      before: record.pending,
      added,
      dropped,
    };
    record.pending = write;
    transaction.writes.push(write);
  }
}

type Staged = Pick<Write, "record" | "bytes" | "added" | "dropped">;

interface AddedKeys extends IndexKeys {
  readonly index: CollectionIndex;
}

const NONE: readonly never[] = [];
const idIndexOf = (options: BsonDocument): BsonDocument =>
  documentOf({ v: 2, key: documentOf({ _id: 1 }), name: "_id_", collation: options.get("collation") });

/**
 * Returns the bytes that the transaction would replace. The first writer wins: a write by another transaction since
 * the snapshot is a conflict.
 */
function requireWritable(record: DocumentRecord, transaction: UnitOfWork): Uint8Array {
  installPending(record);
  const { pending } = record;
  if (pending !== null && pending.owner !== transaction) throw new WriteConflict(pending.owner);
  if (pending === null && record.committedAt > transaction.at) throw new WriteConflict(null);
  const bytes = visibleBytes(record, transaction);
  if (bytes === null) throw new WriteConflict(null);
  return bytes;
}

function keptSources(record: DocumentRecord): LazyDocument[] {
  const kept: LazyDocument[] = [];
  if (record.pending?.bytes) kept.push(new LazyDocument(record.pending.bytes));
  if (record.bytes !== null) kept.push(new LazyDocument(record.bytes));
  for (let version = record.older; version !== null; version = version.older) {
    if (version.bytes !== null) kept.push(new LazyDocument(version.bytes));
  }
  return kept;
}

import { type BsonDocument, documentOf } from "../bson/values.ts";
import { CollectionIndex } from "./collection-index.ts";
import { DocumentRecord, type ReadView, visibleBytes } from "./document-record.ts";
import { LazyDocument } from "./lazy-document.ts";
import type { IndexKeys, Transaction, Write } from "./transaction.ts";
import { checkUnique } from "./unique-check.ts";
import { WriteConflict } from "./write-conflict.ts";

export interface CollectionIdentity {
  readonly database: string;
  readonly name: string;
  /** The collection's name in the log; never used again after a drop. */
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly options: BsonDocument;
}

export interface Change {
  readonly record: DocumentRecord;
  readonly source: LazyDocument;
  /** First parts of the changed paths; null where anything may have changed. */
  readonly heads: ReadonlySet<string> | null;
}

/** The documents of one collection and their indexes; every change goes through a transaction. */
export class Collection {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly options: BsonDocument;
  database: string;
  name: string;
  /** In natural order: a Set may be walked while others insert and delete. */
  readonly records = new Set<DocumentRecord>();
  indexes: CollectionIndex[];
  nextRecordId = 1;
  isDropped = false;

  constructor({ database, name, id, uuid, options }: CollectionIdentity) {
    this.database = database;
    this.name = name;
    this.id = id;
    this.uuid = uuid;
    this.options = options;
    this.indexes = [new CollectionIndex(ID_INDEX)];
  }

  get namespace(): string {
    return `${this.database}.${this.name}`;
  }

  get idIndex(): CollectionIndex {
    return this.indexes[0]!;
  }

  /** @throws DuplicateKey, WriteConflict (nothing has been written then) */
  insert(transaction: Transaction, source: LazyDocument): DocumentRecord {
    const record = new DocumentRecord(this.nextRecordId);
    const added: IndexKeys[] = [];
    for (const index of this.indexes) {
      const keys = index.keysOf(source);
      if (keys.length > 0) added.push({ index, keys });
    }
    for (const { index, keys } of added) checkUnique({ collection: this, index, keys, record, transaction });
    this.nextRecordId += 1;
    this.records.add(record);
    this.#stage(transaction, { record, bytes: source.bytes, added, dropped: [] });
    return record;
  }

  /** @throws DuplicateKey, WriteConflict (nothing has been written then) */
  update(transaction: Transaction, { record, source, heads }: Change): void {
    const bytes = requireWritable(record, transaction);
    const before = new LazyDocument(bytes);
    const added: IndexKeys[] = [];
    const dropped: IndexKeys[] = [];
    for (const index of this.indexes) {
      if (heads !== null && !index.isTouchedBy(heads)) continue;
      const oldKeys = index.keysOf(before);
      const newKeys = index.keysOf(source);
      const fresh = newKeys.filter((key) => !oldKeys.includes(key));
      const stale = oldKeys.filter((key) => !newKeys.includes(key));
      if (fresh.length > 0) added.push({ index, keys: fresh });
      if (stale.length > 0) dropped.push({ index, keys: stale });
    }
    for (const { index, keys } of added) checkUnique({ collection: this, index, keys, record, transaction });
    this.#stage(transaction, { record, bytes: source.bytes, added, dropped });
  }

  /** @throws WriteConflict (nothing has been written then) */
  remove(transaction: Transaction, record: DocumentRecord): void {
    const before = new LazyDocument(requireWritable(record, transaction));
    const dropped = this.indexes.map((index) => ({ index, keys: index.keysOf(before) }));
    this.#stage(transaction, { record, bytes: null, added: [], dropped });
  }

  /** The record whose document has this key in the index on `_id`, if the view sees one. */
  findById(key: string, view: ReadView): DocumentRecord | undefined {
    return this.idIndex.entries.find(key, (record) => visibleBytes(record, view) !== null);
  }

  /** Takes back one write: the latest that its transaction has made to the record. */
  undo({ record, before, added }: Write): void {
    record.pending = before;
    if (before === null && record.committedAt === 0) {
      for (const { index, keys } of added) index.removeEntries(keys, record);
      this.records.delete(record);
    } else this.dropEntries(record, added);
  }

  /** Removes entries unless a version that is still kept has the same key. */
  dropEntries(record: DocumentRecord, obsolete: readonly IndexKeys[]): void {
    for (const { index, keys } of obsolete) {
      const kept = keptSources(record);
      for (const key of keys) {
        if (!kept.some((source) => index.holds(key, source))) index.entries.remove(key, record);
      }
    }
  }

  #stage(
    transaction: Transaction,
    { record, bytes, added, dropped }: Omit<Write, "collection" | "before"> & { bytes: Uint8Array | null },
  ): void {
    const before = record.pending;
    record.pending = { owner: transaction, bytes, isRewrite: before !== null };
    for (const { index, keys } of added) index.addEntries(keys, record);
    transaction.writes.push({ collection: this, record, before, added, dropped });
  }
}

const ID_INDEX: BsonDocument = documentOf({ v: 2, key: documentOf({ _id: 1 }), name: "_id_" });

/** The bytes that the transaction would replace. First writer wins: whoever else has written since its snapshot is ahead. */
function requireWritable(record: DocumentRecord, transaction: Transaction): Uint8Array {
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

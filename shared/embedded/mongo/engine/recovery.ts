import { type Binary, type BsonDocument, documentOf } from "../bson/values.ts";
import { readBatch } from "../store/batch.ts";
import { Collection } from "./collection.ts";
import { CollectionIndex } from "./collection-index.ts";
import { keepBytes } from "./document-arena.ts";
import { DocumentRecord } from "./document-record.ts";
import type { Engine } from "./engine.ts";
import { LazyDocument } from "./lazy-document.ts";

interface StoredCollection {
  readonly collection: Collection;
  readonly documents: Map<number, Uint8Array>;
}

/**
 * Rebuilds the engine from its store: first the final state of every document, then all indexes at once, each
 * from its sorted keys.
 *
 * @param onSession receives each stored answer of a retryable write, oldest first
 */
export async function recover(engine: Engine, onSession: (entry: BsonDocument) => void): Promise<void> {
  const stored = new Map<number, StoredCollection>();
  const reader = {
    put: (collectionId: number, recordId: number, bytes: Uint8Array) => {
      stored.get(collectionId)?.documents.set(recordId, keepBytes(bytes));
    },
    remove: (collectionId: number, recordId: number) => {
      stored.get(collectionId)?.documents.delete(recordId);
    },
    catalog: (change: BsonDocument) => applyChange(stored, change),
    session: onSession,
  };
  await engine.store.load((batch) => readBatch(batch, reader));
  for (const { collection, documents } of stored.values()) {
    fill(collection, documents);
    engine.catalog.add(collection);
  }
}

function applyChange(stored: Map<number, StoredCollection>, change: BsonDocument): void {
  const id = change.get("id") as number;
  const text = (name: string) => change.get(name) as string;
  if (change.get("op") === "create") {
    const identity = {
      id,
      database: text("database"),
      name: text("name"),
      uuid: keepBytes((change.get("uuid") as Binary).bytes),
      options: (change.get("options") as BsonDocument | undefined) ?? documentOf({}),
    };
    // A log that was begun before its snapshot tells of collections that the snapshot holds already.
    if (!stored.has(id)) stored.set(id, { collection: new Collection(identity), documents: new Map() });
    return;
  }
  const { collection } = stored.get(id) ?? {};
  if (collection === undefined) return;
  const others = (name: string) => collection.indexes.filter((index) => index.name !== name);
  switch (change.get("op")) {
    case "drop":
      stored.delete(id);
      return;
    case "rename":
      collection.database = text("database");
      collection.name = text("name");
      return;
    case "index": {
      const index = new CollectionIndex(change.get("definition") as BsonDocument);
      collection.indexes = [...others(index.name), index];
      return;
    }
    case "dropIndex":
      collection.indexes = others(text("name"));
  }
}

function fill(collection: Collection, documents: Map<number, Uint8Array>): void {
  const records: DocumentRecord[] = [];
  // A snapshot and the log behind it may tell of one document in either order: ids restore the natural one.
  for (const id of [...documents.keys()].sort((a, b) => a - b)) {
    const record = new DocumentRecord(id);
    record.bytes = documents.get(id)!;
    record.committedAt = 1;
    collection.records.add(record);
    records.push(record);
  }
  collection.nextRecordId = (records.at(-1)?.id ?? 0) + 1;
  for (const index of collection.indexes) fillIndex(index, records);
}

function fillIndex(index: CollectionIndex, records: readonly DocumentRecord[]): void {
  const entries: { key: string; record: DocumentRecord }[] = [];
  for (const record of records) {
    for (const key of index.keysOf(new LazyDocument(record.bytes!))) entries.push({ key, record });
  }
  entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.record.id - b.record.id));
  index.entries.load(
    entries.map(({ key }) => key),
    entries.map(({ record }) => record),
  );
}

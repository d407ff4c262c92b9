import { type Binary, type BsonDocument, documentOf } from "../bson/values.ts";
import { sortPaced } from "../fields/sort-paced.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { readBatch } from "../store/batch.ts";
import { Collection } from "./collection.ts";
import { CollectionIndex } from "./collection-index.ts";
import { keepBytes } from "./document-arena.ts";
import { DocumentRecord } from "./document-record.ts";
import type { Engine } from "./engine.ts";
import { LazyDocument } from "./lazy-document.ts";

/**
 * Rebuilds the engine from its store: first the final state of every document, then all indexes at once, each
 * from its sorted keys.
 *
 * @param onSession receives each stored outcome of a retryable write, oldest first
 */
export async function recover(engine: Engine, onSession: (entry: BsonDocument) => void): Promise<void> {
  const stored = new Map<number, Collection>();
  const slice = new TimeSlice();
  const reader = {
    put: (collectionId: number, recordId: number, bytes: Uint8Array) => {
      const records = stored.get(collectionId)?.records;
      if (records !== undefined) put(records, recordId, keepBytes(bytes));
    },
    remove: (collectionId: number, recordId: number) => {
      const records = stored.get(collectionId)?.records;
      const record = records?.get(recordId);
      if (record) records!.delete(record);
    },
    catalog: (change: BsonDocument) => applyChange(stored, change),
    session: onSession,
  };
  await engine.store.load((batch) => readBatch(batch, reader, slice));
  for (const collection of stored.values()) {
    // A snapshot and the log after it may contain documents in either order: sorting by id restores the
    // natural order.
    collection.records.sort();
    collection.nextRecordId = collection.records.lastId + 1;
    for (const index of collection.indexes) await fillIndex(index, collection, slice);
    engine.catalog.add(collection);
  }
}

function put(records: Collection["records"], id: number, bytes: Uint8Array): void {
  let record = records.get(id);
  if (record === null) {
    record = new DocumentRecord(id);
    record.committedAt = 1;
    records.add(record);
  }
  record.bytes = bytes;
}

function applyChange(stored: Map<number, Collection>, change: BsonDocument): void {
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
    // A log that began before its snapshot repeats collections that the snapshot contains.
    if (!stored.has(id)) stored.set(id, new Collection(identity));
    return;
  }
  const collection = stored.get(id);
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
    case "options":
      collection.setOptions(change.get("options") as BsonDocument);
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

interface Entry {
  readonly key: string;
  readonly record: DocumentRecord;
}

const byKey = (a: Entry, b: Entry): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : a.record.id - b.record.id;

async function fillIndex(index: CollectionIndex, { records }: Collection, slice: TimeSlice): Promise<void> {
  const entries: Entry[] = [];
  let isSorted = true;
  for (const record of records) {
    for (const key of index.keysOf(new LazyDocument(record.bytes!))) {
      const entry = { key, record };
      // Ids are usually in ascending order.
      isSorted &&= entries.length === 0 || byKey(entries.at(-1)!, entry) < 0;
      entries.push(entry);
    }
    if (slice.isOver()) await slice.pause();
  }
  const sorted = isSorted ? entries : await sortPaced(entries, byKey, slice);
  await index.entries.load(sorted, slice);
}

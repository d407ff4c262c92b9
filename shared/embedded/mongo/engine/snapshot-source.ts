import type { BsonDocument } from "../bson/values.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { type Batch, BatchWriter } from "../store/batch.ts";
import { catalogChange } from "./catalog.ts";
import { type ReadView, visibleBytes } from "./document-record.ts";
import type { Engine } from "./engine.ts";

const BATCH_BYTES = 256 * 1024;

/**
 * The current content as batches for recovery: collections, indexes, documents, outcomes of retryable writes.
 */
export async function* liveBatches(
  engine: Engine,
  sessions: () => Iterable<BsonDocument>,
): AsyncIterable<Batch> {
  const view = engine.openView();
  try {
    yield* batchesOf(engine, view, [...sessions()]);
  } finally {
    engine.versions.close(view);
  }
}

async function* batchesOf(
  engine: Engine,
  view: ReadView,
  sessions: readonly BsonDocument[],
): AsyncIterable<Batch> {
  const slice = new TimeSlice();
  let batch = new BatchWriter();
  for (const collection of [...engine.catalog.everyCollection()]) {
    batch.catalog(catalogChange.create(collection));
    for (const index of collection.indexes.slice(1)) {
      if (index.isReady) batch.catalog(catalogChange.index(collection, index));
    }
    for (const record of collection.records) {
      const bytes = visibleBytes(record, view);
      if (bytes !== null) batch.put(collection.id, record.id, bytes);
      if (batch.size >= BATCH_BYTES) {
        yield batch.finish();
        batch = new BatchWriter();
      }
      if (slice.isOver()) await slice.pause();
    }
  }
  for (const entry of sessions) batch.session(entry);
  if (!batch.isEmpty) yield batch.finish();
}

import type { Pace } from "../pacing/pace.ts";
import type { BatchWriter } from "../store/batch.ts";
import { catalogChange } from "./catalog.ts";
import type { Write } from "./document-record.ts";
import type { Transaction } from "./transaction.ts";

/** Writes the transaction into a batch. Returns null if it finished without a pause. */
export function fillBatch(
  batch: BatchWriter,
  { writes, created }: Transaction,
  slice: Pace,
): Promise<void> | null {
  for (const collection of created.values()) {
    batch.catalog(catalogChange.create(collection));
    for (const index of collection.indexes.slice(1)) batch.catalog(catalogChange.index(collection, index));
  }
  for (let i = 0; i < writes.length; i++) {
    addToBatch(batch, writes[i]!);
    if (slice.isOver()) return fillRest(batch, { writes, from: i + 1, slice });
  }
  return null;
}

async function fillRest(
  batch: BatchWriter,
  { writes, from, slice }: { writes: readonly Write[]; from: number; slice: Pace },
): Promise<void> {
  for (let i = from; i < writes.length; i++) {
    if (slice.isOver()) await slice.pause();
    addToBatch(batch, writes[i]!);
  }
}

/**
 * Adds several writes to one record once, with the first: the record's pending bytes are those of the last write.
 */
function addToBatch(batch: BatchWriter, { collection, record, before }: Write): void {
  if (before !== null || collection.isDropped) return;
  const bytes = record.pending!.bytes;
  if (bytes !== null) batch.put(collection.id, record.id, bytes);
  else if (record.committedAt > 0) batch.remove(collection.id, record.id);
}

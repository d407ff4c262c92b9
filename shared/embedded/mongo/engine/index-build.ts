import type { TimeSlice } from "../pacing/time-slice.ts";
import type { Collection } from "./collection.ts";
import { CollectionIndex } from "./collection-index.ts";
import { EntryCursor } from "./entry-cursor.ts";
import { LazyDocument } from "./lazy-document.ts";
import { EVERY_KEY } from "./ordered-entries.ts";
import { duplicateKey } from "./unique-check.ts";

interface IndexBuild {
  readonly slice: TimeSlice;
  /**
   * Resolves when all commits before the build are durable: until then readers need versions that the build does
   * not index.
   */
  readonly durable?: () => Promise<void>;
}

/**
 * Adds an index to a collection that may be in use. Writes maintain it from the start, reads use it when it is
 * complete. An error leaves the collection unchanged.
 *
 * @throws DuplicateKey if documents violate a unique index, CommandFault 171 if one cannot be indexed
 */
export async function buildIndex(
  collection: Collection,
  index: CollectionIndex,
  { slice, durable }: IndexBuild,
): Promise<void> {
  index.isReady = false;
  collection.indexes.push(index);
  try {
    for (const record of collection.records) {
      for (const bytes of [record.bytes, record.pending?.bytes ?? null]) {
        if (bytes !== null) index.addEntries(index.keysOf(new LazyDocument(bytes)), record);
      }
      if (slice.isOver()) await slice.pause();
    }
    if (index.isUnique) await requireUnique(collection, index, slice);
    await durable?.();
    index.isReady = true;
  } catch (error) {
    collection.indexes = collection.indexes.filter((other) => other !== index);
    throw error;
  }
}

/** Rebuilds an index while the old one stays in use, and replaces that one at the end if `isFree`. */
export async function rebuildIndex(
  collection: Collection,
  index: CollectionIndex,
  { isFree, ...build }: IndexBuild & { isFree: () => boolean },
): Promise<void> {
  const fresh = new CollectionIndex(index.definition);
  await buildIndex(collection, fresh, build);
  const others = collection.indexes.filter((one) => one !== fresh);
  // The index may have been dropped or changed during the build.
  collection.indexes =
    others.includes(index) && isFree() ? others.map((one) => (one === index ? fresh : one)) : others;
}

async function requireUnique(
  collection: Collection,
  index: CollectionIndex,
  slice: TimeSlice,
): Promise<void> {
  const cursor = new EntryCursor(index.entries, EVERY_KEY);
  let key = "";
  let holders = 0;
  while (cursor.next()) {
    const source = cursor.record!.bytes && new LazyDocument(cursor.record!.bytes);
    if (cursor.key !== key) holders = 0;
    key = cursor.key;
    if (source !== null && index.holds(key, source)) holders += 1;
    if (holders > 1) throw duplicateKey(collection.namespace, index, { key, source: source! });
    if (slice.isOver()) await slice.pause();
  }
}

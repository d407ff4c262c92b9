import { documentOf } from "../bson/values.ts";
import { keyTuples } from "../fields/index-keys.ts";
import type { CollectionIndex } from "./collection-index.ts";
import { type DocumentRecord, installPending, type UnitOfWork } from "./document-record.ts";
import { EntryCursor } from "./entry-cursor.ts";
import { LazyDocument } from "./lazy-document.ts";
import { showDocument } from "./show-value.ts";
import { DuplicateKey, WriteConflict } from "./write-conflict.ts";

export interface UniqueEntry {
  readonly namespace: string;
  readonly index: CollectionIndex;
  readonly keys: readonly string[];
  readonly record: DocumentRecord;
  readonly transaction: UnitOfWork;
}

/**
 * Checks that no other record has, or may get, the keys in a unique index.
 *
 * Committed documents and the transaction's own pending ones are duplicates. A pending write of another
 * transaction, or a commit since the snapshot, is a conflict: whether the key is free is undecided, or not visible
 * to the snapshot.
 */
export function checkUnique(entry: UniqueEntry): void {
  const { index, keys, record } = entry;
  if (!index.isUnique) return;
  for (const key of keys) {
    const { leaf, slot } = index.entries.seek(key, -1);
    if (index.entries.leaves[leaf]?.keys[slot] !== key) continue;
    const cursor = new EntryCursor(index.entries, { low: key, high: `${key}\0` });
    while (cursor.next()) if (cursor.record !== record) checkHolder(entry, key, cursor.record!);
  }
}

function checkHolder(
  { namespace, index, transaction }: UniqueEntry,
  key: string,
  holder: DocumentRecord,
): void {
  installPending(holder);
  const { pending } = holder;
  if (pending !== null && pending.owner !== transaction) throw new WriteConflict(pending.owner);
  if (pending === null && holder.committedAt > transaction.at) throw new WriteConflict(null);
  const bytes = pending === null ? holder.bytes : pending.bytes;
  if (bytes === null) return;
  const source = new LazyDocument(bytes);
  if (holder.hasOneVersion || index.holds(key, source)) throw duplicateKey(namespace, index, { key, source });
}

/** Builds the error for a key that `source` already has. */
export function duplicateKey(
  namespace: string,
  index: CollectionIndex,
  { key, source }: { key: string; source: LazyDocument },
): DuplicateKey {
  const tuples = keyTuples(
    source.document,
    index.fields.map(({ parts }) => parts),
  );
  const values = tuples.find((tuple) => index.keyOf(tuple) === key) ?? tuples[0]!;
  const keyValue = documentOf({});
  index.fields.forEach(({ path }, i) => {
    keyValue.set(path, values[i] ?? null);
  });
  const keyPattern = index.definition.get("key") as ReturnType<typeof documentOf>;
  const details = { namespace, indexName: index.name, keyPattern, keyValue };
  return new DuplicateKey(details, showDocument(keyValue));
}

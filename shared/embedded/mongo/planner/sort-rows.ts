import type { DocumentRecord } from "../engine/document-record.ts";
import type { LazyDocument } from "../engine/lazy-document.ts";
import type { Pace } from "./rows.ts";

/** A piece of this many rows is sorted without a pause: about five milliseconds. */
const PIECE = 4_096;

export interface SortableRow<K> {
  readonly record: DocumentRecord;
  readonly source: LazyDocument;
  readonly key: K;
}

/** A stable sort in pieces that are merged, so that a large one does not hold up other clients. */
export async function sortRows<K>(
  rows: SortableRow<K>[],
  compare: (a: K, b: K) => number,
  slice: Pace,
): Promise<SortableRow<K>[]> {
  const byKey = (a: SortableRow<K>, b: SortableRow<K>) => compare(a.key, b.key);
  let pieces: SortableRow<K>[][] = [];
  for (let from = 0; from < rows.length; from += PIECE) {
    pieces.push(rows.slice(from, from + PIECE).sort(byKey));
    if (from > 0) await slice.pause();
  }
  while (pieces.length > 1) {
    const merged: SortableRow<K>[][] = [];
    for (let i = 0; i < pieces.length; i += 2) {
      const right = pieces[i + 1];
      merged.push(right === undefined ? pieces[i]! : await merge(pieces[i]!, right, byKey, slice));
    }
    pieces = merged;
  }
  return pieces[0] ?? [];
}

async function merge<T>(left: T[], right: T[], compare: (a: T, b: T) => number, slice: Pace): Promise<T[]> {
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!);
    if (slice.isOver()) await slice.pause();
  }
  for (; l < left.length; l++) merged.push(left[l]!);
  for (; r < right.length; r++) merged.push(right[r]!);
  return merged;
}

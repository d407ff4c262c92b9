import type { Pace } from "../pacing/pace.ts";

/** Size of the pieces that are sorted without a pause: about 1 ms if a comparison takes 1 µs. */
const PIECE = 128;

/** A stable merge sort of pieces, with pauses, so that a large sort does not block other clients. */
export async function sortPaced<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  pace: Pace,
): Promise<T[]> {
  let pieces: T[][] = [];
  for (let at = 0; at < items.length; at += PIECE) {
    pieces.push(items.slice(at, at + PIECE).sort(compare));
    if (pace.isOver()) await pace.pause();
  }
  while (pieces.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < pieces.length; i += 2) {
      const right = pieces[i + 1];
      merged.push(right === undefined ? pieces[i]! : await merge([pieces[i]!, right], compare, pace));
    }
    pieces = merged;
  }
  return pieces[0] ?? [];
}

async function merge<T>(
  [left, right]: readonly [T[], T[]],
  compare: (a: T, b: T) => number,
  pace: Pace,
): Promise<T[]> {
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!);
    if (pace.isOver()) await pace.pause();
  }
  while (l < left.length) merged.push(left[l++]!);
  while (r < right.length) merged.push(right[r++]!);
  return merged;
}

import type { BsonDocument } from "../bson/values.ts";
import type { Sorter, SortKey } from "../query/sort.ts";
import type { Pace } from "./environment.ts";
import { flowOf, type Stage } from "./flow.ts";

interface Keyed {
  readonly key: SortKey;
  readonly doc: BsonDocument;
}

/** So many are sorted without a pause: a few milliseconds. */
const PIECE = 2_048;

type Order = (a: Keyed, b: Keyed) => number;

async function merged(
  left: Keyed[],
  right: Keyed[],
  { order, pace }: { order: Order; pace: Pace },
): Promise<Keyed[]> {
  const result: Keyed[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    result.push(order(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!);
    if (pace.isOver()) await pace.pause();
  }
  while (l < left.length) result.push(left[l++]!);
  while (r < right.length) result.push(right[r++]!);
  return result;
}

/** A stable sort of pieces that are then merged two by two, with pauses. */
async function sortPaced(items: Keyed[], order: Order, pace: Pace): Promise<Keyed[]> {
  let pieces: Keyed[][] = [];
  for (let at = 0; at < items.length; at += PIECE) {
    pieces.push(items.slice(at, at + PIECE).sort(order));
    if (pace.isOver()) await pace.pause();
  }
  while (pieces.length > 1) {
    const next: Keyed[][] = [];
    for (let i = 0; i < pieces.length; i += 2) {
      const right = pieces[i + 1];
      next.push(right ? await merged(pieces[i]!, right, { order, pace }) : pieces[i]!);
    }
    pieces = next;
  }
  return pieces[0] ?? [];
}

/** `$sort`; with a limit behind it only the first `limit` are kept on the way. */
export function sorting(sorter: Sorter, limit: number, pace: Pace): Stage {
  const order: Order = (a, b) => sorter.compare(a.key, b.key);
  return async function* (input) {
    let items: Keyed[] = [];
    const most = Math.max(PIECE, limit * 2);
    for await (const chunk of input) {
      for (const doc of chunk) items.push({ key: sorter.keyOf(doc), doc });
      if (items.length > most) items = (await sortPaced(items, order, pace)).slice(0, limit);
    }
    const sorted = await sortPaced(items, order, pace);
    yield* flowOf(
      sorted.slice(0, limit).map(({ doc }) => doc),
      pace,
    );
  };
}

import { decodeDocument } from "../bson/decode.ts";
import { encodeDocument } from "../bson/encode.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Sorter, SortKey } from "../query/sort.ts";
import type { Pace } from "./environment.ts";
import { CHUNK, type Stage } from "./flow.ts";

/** A document waiting for its turn: as it is, or as bytes within those of its chunk. */
interface Keyed {
  readonly key: SortKey;
  readonly held: BsonDocument | Uint8Array;
  readonly offset: number;
}

const released = ({ held, offset }: Keyed): BsonDocument =>
  held instanceof Map ? held : decodeDocument(held, offset);

const asDocuments = (chunk: readonly BsonDocument[], sorter: Sorter): Keyed[] =>
  chunk.map((doc) => ({ key: sorter.keyOf(doc), held: doc, offset: 0 }));

/** Hundreds of thousands of decoded documents would cost the garbage collector pauses of 100 ms and more. */
function asBytes(chunk: readonly BsonDocument[], sorter: Sorter): Keyed[] {
  const parts = chunk.map(encodeDocument);
  const held = Buffer.concat(parts);
  let offset = 0;
  return chunk.map((doc, index) => {
    const keyed = { key: sorter.keyOf(doc), held, offset };
    offset += parts[index]!.length;
    return keyed;
  });
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

/** So few are kept decoded. */
const SMALL_LIMIT = 1_000;

/** `$sort`; with a limit behind it only the first `limit` are kept on the way. */
export function sorting(sorter: Sorter, limit: number, pace: Pace): Stage {
  const order: Order = (a, b) => sorter.compare(a.key, b.key);
  const keep = limit <= SMALL_LIMIT ? asDocuments : asBytes;
  return async function* (input) {
    let items: Keyed[] = [];
    const most = Math.max(PIECE, limit * 2);
    for await (const chunk of input) {
      for (const item of keep(chunk, sorter)) items.push(item);
      if (items.length > most) items = (await sortPaced(items, order, pace)).slice(0, limit);
    }
    const sorted = await sortPaced(items, order, pace);
    for (let at = 0; at < Math.min(limit, sorted.length); at += CHUNK) {
      yield sorted.slice(at, Math.min(at + CHUNK, limit)).map(released);
      if (pace.isOver()) await pace.pause();
    }
  };
}

import { decodeDocument } from "../bson/decode.ts";
import { encodeDocument } from "../bson/encode.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Sorter, SortKey } from "../fields/sort.ts";
import { sortPaced } from "../fields/sort-paced.ts";
import type { Pace } from "../pacing/pace.ts";
import { CHUNK, type Stage } from "./flow.ts";

/** A document to be sorted: decoded, or as bytes within those of its chunk. */
interface Keyed {
  readonly key: SortKey;
  readonly held: BsonDocument | Uint8Array;
  readonly offset: number;
}

const released = ({ held, offset }: Keyed): BsonDocument =>
  held instanceof Map ? held : decodeDocument(held, offset);

const asDocuments = (chunk: readonly BsonDocument[], sorter: Sorter): Keyed[] =>
  chunk.map((doc) => ({ key: sorter.keyOf(doc), held: doc, offset: 0 }));

/** Hundreds of thousands of decoded documents would cause garbage collection pauses of 100 ms and more. */
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

/** Up to this many documents stay decoded. */
const SMALL_LIMIT = 1_000;

/** `$sort`; with a following limit, only the first `limit` documents are kept during the sort. */
export function sorting(sorter: Sorter, limit: number, pace: Pace): Stage {
  const order = (a: Keyed, b: Keyed) => sorter.compare(a.key, b.key);
  const keep = limit <= SMALL_LIMIT ? asDocuments : asBytes;
  return async function* (input) {
    let items: Keyed[] = [];
    const most = Math.max(SMALL_LIMIT, limit) * 2;
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

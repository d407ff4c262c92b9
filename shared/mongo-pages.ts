import { hash } from "node:crypto";
import { type Collection, type Document, type Filter, ObjectId, type Sort } from "mongodb";
import type { ActionParams } from "./contracts/actions.ts";
import { MOST_ROWS, type Page, type Piece, type Rows } from "./contracts/paging.ts";
import { withStoreErrors } from "./event-store/mongo-errors.ts";
import { READ_AT_A_TIME, RowBlock, refuseMany } from "./row-block.ts";

/** UTF-16 units of a piece: each takes three bytes at most, also where the text is quoted once more. */
const PIECE_UNITS = 262_144;
const IDS_AT_A_TIME = 1000;
export interface PageQuery {
  readonly page: number;
  readonly limit: number;
  readonly filter: Document;
  /** A total order, so that pages neither overlap nor leave gaps. */
  readonly sort: Sort;
}

/** Rows of one collection, a message at a time. Both methods throw `LIST_TOO_LONG` and `STORE_UNAVAILABLE`. */
export interface MongoPages<View> {
  /** The beginning of a page, and the ids of its remaining rows. */
  page(query: PageQuery, count: () => Promise<number>): Promise<Page<View>>;
  rows(query: ActionParams<"records.rows">): Promise<Rows<View>>;
}

export function mongoPages<D extends { readonly _id: ObjectId }, View>(
  collection: Collection<D>,
  toView: (document: D) => View,
): MongoPages<View> {
  const idOf = ({ _id }: { readonly _id: ObjectId }) => _id.toHexString();

  /** Reads until the block is full, and the ids of the rows in it; `isAll` is false if rows are left. */
  async function fill(block: RowBlock<View>, query: PageQuery, limit: number) {
    const { filter, sort, page } = query;
    const skip = (page - 1) * query.limit;
    const batchSize = Math.min(limit, READ_AT_A_TIME);
    const cursor = collection.find(filter as Filter<D>, { sort, skip, limit, batchSize });
    const ids = new Set<string>();
    try {
      for await (const document of cursor) {
        if (!block.takes(toView(document as D))) return { ids, isAll: false };
        ids.add(idOf(document as D));
      }
      return { ids, isAll: true };
    } finally {
      await cursor.close();
    }
  }

  /** Rows may have been added or removed since the block was read: the rest is what now follows its last row. */
  async function idsAfter(query: PageQuery, limit: number, read: ReadonlySet<string>): Promise<string[]> {
    const { filter, sort, page } = query;
    const skip = (page - 1) * query.limit;
    const options = { sort, skip, limit, projection: { _id: 1 }, batchSize: IDS_AT_A_TIME } as const;
    const ids: string[] = [];
    for await (const found of collection.find(filter as Filter<D>, options)) ids.push(idOf(found as D));
    return ids.slice(ids.findLastIndex((id) => read.has(id)) + 1);
  }

  async function load(ids: readonly string[]): Promise<Map<string, D>> {
    const filter = { _id: { $in: ids.map((id) => new ObjectId(id)) } } as unknown as Filter<D>;
    const found = await collection.find(filter, { batchSize: ids.length }).toArray();
    return new Map(found.map((document) => [idOf(document as D), document as D]));
  }

  async function readPage(query: PageQuery, count: () => Promise<number>): Promise<Page<View>> {
    const limit = query.limit === 0 ? MOST_ROWS : Math.min(query.limit, MOST_ROWS);
    const isBounded = query.limit === limit;
    const counting = count();
    if (!isBounded) refuseMany(await counting, (query.page - 1) * query.limit);
    const block = new RowBlock<View>();
    const [{ ids, isAll }, total] = await Promise.all([fill(block, query, limit), counting]);
    if (isAll) return { items: block.items, total };
    const rest = await idsAfter(query, limit, ids);
    return { items: block.items, total, ...(rest.length > 0 && { rest }) };
  }

  async function readRows({ ids, from = 0 }: ActionParams<"records.rows">): Promise<Rows<View>> {
    const block = new RowBlock<View>();
    for (let taken = 0; taken < ids.length; ) {
      const wanted = ids.slice(taken, taken + block.guess());
      const found = await load(wanted);
      for (const id of wanted) {
        const document = found.get(id);
        const view = document && toView(document);
        if (view !== undefined && !block.takes(view)) {
          if (block.items.length > 0) return { items: block.items, taken };
          return { items: [], taken, piece: pieceOf(JSON.stringify(view), from) };
        }
        taken += 1;
      }
    }
    return { items: block.items, taken: ids.length };
  }

  return {
    page: (query, count) => withStoreErrors(readPage(query, count)),
    rows: (query) => withStoreErrors(readRows(query)),
  };
}

export interface ListOrder<Field extends string> {
  readonly orderField?: Field | undefined;
  readonly order?: "asc" | "desc" | undefined;
}

/** The order of a list query, by ids where it names none; ties are broken by id. `stored` names the fields. */
export function sortOf<Field extends string>(
  { orderField, order }: ListOrder<Field | "createdAt">,
  stored: Readonly<Record<Field | "createdAt", string>>,
): Sort {
  if (orderField === undefined && order === undefined) return { _id: 1 };
  const direction = order === "desc" ? -1 : 1;
  return { [stored[orderField ?? "createdAt"]]: direction, _id: direction };
}

function pieceOf(json: string, from: number): Piece {
  return { text: json.slice(from, from + PIECE_UNITS), length: json.length, digest: hash("sha1", json) };
}

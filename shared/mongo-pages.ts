import { hash } from "node:crypto";
import { type Collection, type Document, type Filter, ObjectId, type Sort } from "mongodb";
import type { ActionParams } from "./contracts/actions.ts";
import { MOST_ROWS, type Page, type Piece, type Rows } from "./contracts/paging.ts";
import { AppError } from "./errors.ts";
import { withStoreErrors } from "./event-store/mongo-errors.ts";

/** A list query whose result would have more rows than allowed. */
export class ListTooLong extends AppError {
  constructor(rows: number) {
    super(
      `The list has ${rows} rows, more than the ${MOST_ROWS} that one query returns; ask for pages with page and limit`,
      {
        type: "LIST_TOO_LONG",
        data: { field: "limit", rows, limit: MOST_ROWS },
      },
    );
  }
}

/**
 * Bytes of rows, as JSON, in one response. A NATS message may have 1 MiB; besides the rows it contains the ids of the
 * remaining rows, which are up to 270 kB.
 */
export const BLOCK_BYTES = 524_288;
/** UTF-16 units of a piece: each takes three bytes at most, also where the text is quoted once more. */
const PIECE_UNITS = 262_144;
/**
 * Documents read at a time: with large rows few are read in vain, and with many lists at a time each makes progress.
 */
const READ_AT_A_TIME = 100;
const IDS_AT_A_TIME = 1000;
/** Rows read at first, before their size is known. */
const FIRST_GUESS = 8;

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
  async function fill(block: Block<View>, query: PageQuery, limit: number) {
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
    const block = new Block<View>();
    const [{ ids, isAll }, total] = await Promise.all([fill(block, query, limit), counting]);
    if (isAll) return { items: block.items, total };
    const rest = await idsAfter(query, limit, ids);
    return { items: block.items, total, ...(rest.length > 0 && { rest }) };
  }

  async function readRows({ ids, from = 0 }: ActionParams<"records.rows">): Promise<Rows<View>> {
    const block = new Block<View>();
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

function refuseMany(total: number, skip: number): void {
  if (total - skip > MOST_ROWS) throw new ListTooLong(total);
}

function pieceOf(json: string, from: number): Piece {
  return { text: json.slice(from, from + PIECE_UNITS), length: json.length, digest: hash("sha1", json) };
}

/** Bytes of a value as JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Rows of one message. */
class Block<View> {
  readonly items: View[] = [];
  private bytes = 0;

  /** Adds a row if it fits. Returns whether it did. */
  takes(view: View): boolean {
    const bytes = jsonBytes(view) + 1;
    if (this.bytes + bytes > BLOCK_BYTES) return false;
    this.bytes += bytes;
    this.items.push(view);
    return true;
  }

  /** How many further rows may fit, by the size of those before. */
  guess(): number {
    const mean = this.bytes / this.items.length;
    if (this.items.length === 0) return FIRST_GUESS;
    return Math.min(READ_AT_A_TIME, Math.ceil((BLOCK_BYTES - this.bytes) / mean));
  }
}

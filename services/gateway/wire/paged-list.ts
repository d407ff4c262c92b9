import type { Page } from "../../../shared/contracts/paging.ts";
import { type ReadRows, rowsOf } from "../../../shared/rows-of.ts";
import { type ApiResponse, list } from "./response.ts";

/** The result of a list query, and how the rest of its rows is read and shown. */
export interface PagedList<Item, Shown> {
  readonly found: Page<Item>;
  readonly rows: ReadRows<Item>;
  readonly show: (item: Item) => Shown;
}

/** The response to a list query; rows that do not fit one message between services are read while it is sent. */
export function pagedList<Item, Shown>(
  { found, rows, show }: PagedList<Item, Shown>,
  { page, limit }: { readonly page: number; readonly limit: number },
): ApiResponse<readonly Shown[]> {
  const { items, total, rest } = found;
  if (!rest) return list(items.map(show), { total, page, limit });
  return list<Shown>([], { total, page, limit }, shown(joined(items, rowsOf(rest, rows)), show));
}

async function* joined<Item>(first: readonly Item[], rest: AsyncIterable<readonly Item[]>) {
  yield first;
  yield* rest;
}

/** Rows shown and sent at a time, so that other requests are served in between. */
const ROWS_AT_A_TIME = 100;

async function* shown<Item, Shown>(
  blocks: AsyncIterable<readonly Item[]>,
  show: PagedList<Item, Shown>["show"],
) {
  for await (const items of blocks) {
    for (let at = 0; at < items.length; at += ROWS_AT_A_TIME) {
      yield items.slice(at, at + ROWS_AT_A_TIME).map(show);
    }
  }
}

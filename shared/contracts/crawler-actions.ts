import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type Page, pagingBy, type Rows, rowsQuery } from "./paging.ts";

const hotRowView = {
  id: "id",
  crawlId: "id",
  /** Position in the list, from 1. */
  rank: "number",
  title: "string",
  heat: "string",
  link: "string",
  crawledAt: "instant",
} as const;
export type HotRowView = DataOf<typeof hotRowView>;
/** What a list of rows can be sorted by. */
export type HotRowSortField = keyof typeof hotRowView;
export const HOT_ROW_SORT_FIELDS = Object.keys(hotRowView) as readonly HotRowSortField[];

export const crawlerActions = {
  "crawler.crawl": action({
    summary:
      "Fetches a hot list and stores its rows; the same crawl id stores them once. Errors: CRAWL_TIMEOUT, CRAWL_UNREACHABLE, CRAWL_BAD_STATUS, CRAWL_BAD_JSON, CRAWL_BAD_SHAPE, CRAWL_TOO_LARGE, CRAWL_REFUSED.",
    params: { site: { type: "enum", values: ["bilibili"] }, crawlId: "id" },
    example: { site: "bilibili", crawlId: "66f2a1d00a1b2c3d4e5f6073" },
    returns: returns<{ count: number }>(),
  }),
  "crawler.list": action({
    summary:
      "Crawled rows, a page at a time, the newest crawl first, each crawl in the order of its list; what does not fit one message follows by rows. Error: LIST_TOO_LONG.",
    params: pagingBy(HOT_ROW_SORT_FIELDS),
    example: { page: 1, limit: 10 },
    returns: returns<Page<HotRowView>>(),
  }),
  "crawler.rows": action({
    summary: "Crawled rows by their ids, as many as fit one message.",
    params: rowsQuery,
    example: { ids: ["66f2a1d00a1b2c3d4e5f6073"] },
    returns: returns<Rows<HotRowView>>(),
  }),
} as const;

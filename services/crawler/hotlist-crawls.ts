import type { EventOf } from "../../shared/contracts/event.ts";
import type { hotlistEvents } from "../../shared/contracts/hotlist-events.ts";
import type { Decider } from "../../shared/event-store/decider.ts";
import type { HotRow } from "./hotlist.ts";

type Site = HotlistCrawled["data"]["site"];

export interface StoreCrawl {
  readonly type: "storeCrawl";
  readonly site: Site;
  readonly crawlId: string;
  readonly rows: readonly HotRow[];
  readonly now: number;
}

export type HotlistCrawled = EventOf<typeof hotlistEvents.contracts>;

/** The number of rows of each crawl of one site. */
export type Crawls = ReadonlyMap<string, number>;

/** The crawls of one site. Each is stored once. */
export const hotlist: Decider<Crawls, StoreCrawl, HotlistCrawled> = {
  initialState: new Map(),

  decide({ site, crawlId, rows, now }, crawls) {
    if (crawls.has(crawlId)) return [];
    const at = new Date(now).toISOString();
    return [{ type: "hotlist.crawled", data: { site, crawlId, count: rows.length, at } }];
  },

  evolve: (crawls, { data: { crawlId, count } }) => new Map(crawls).set(crawlId, count),
};

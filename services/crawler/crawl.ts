import type { ActionAnswer, ActionParams } from "../../shared/contracts/actions.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import { parseHotList } from "./hotlist.ts";
import type { PageFetcher } from "./http-page-fetcher.ts";
import type { HotRows } from "./mongo-hot-rows.ts";

export interface CrawlDeps {
  readonly fetcher: PageFetcher;
  readonly rows: HotRows;
}

/** Fetches a list and stores it; a crawl id that is known already answers what it stored, without another fetch. */
export async function crawl(
  { fetcher, rows }: CrawlDeps,
  { site, crawlId }: ActionParams<"crawler.crawl">,
  cause: Causation,
): Promise<ActionAnswer<"crawler.crawl">> {
  const known = await rows.count(crawlId);
  if (known > 0) return { count: known };
  const found = parseHotList(await fetcher.fetch());
  return { count: await rows.store({ site, crawlId, rows: found, cause }) };
}

import type { Clock } from "../../shared/clock.ts";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import type { CommandHandler } from "../../shared/event-store/command-handler.ts";
import { parseHotList } from "./hotlist.ts";
import type { Crawls, HotlistCrawled, StoreCrawl } from "./hotlist-crawls.ts";
import type { PageFetcher } from "./http-page-fetcher.ts";
import type { HotRows } from "./mongo-hot-rows.ts";

export type HotlistCommandHandler = CommandHandler<Crawls, StoreCrawl, HotlistCrawled>;

export interface CrawlDeps {
  readonly fetcher: PageFetcher;
  readonly rows: Pick<HotRows, "count">;
  readonly handler: Pick<HotlistCommandHandler, "handle">;
  readonly clock: Clock;
}

/**
 * Fetches a list and stores it. For a crawl id that is stored already it returns the number of its rows without a
 * fetch.
 *
 * @throws the errors of the fetcher and of `parseHotList`; `STORE_UNAVAILABLE`, `STREAM_CONFLICT`, `OUTBOX_FULL`
 * (retryable)
 */
export async function crawl(
  { fetcher, rows, handler, clock }: CrawlDeps,
  { site, crawlId }: ActionParams<"crawler.crawl">,
  cause: Causation,
): Promise<ActionResult<"crawler.crawl">> {
  const stored = await rows.count(crawlId);
  if (stored > 0) return { count: stored };
  const found = parseHotList(await fetcher.fetch());
  const command = { type: "storeCrawl", site, crawlId, rows: found, now: clock.now() } as const;
  const { after } = await handler.handle({ id: site, command, cause });
  return { count: after.get(crawlId) ?? found.length };
}

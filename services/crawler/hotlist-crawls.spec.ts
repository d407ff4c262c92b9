import { describe, it } from "node:test";
import { given } from "../../test/given.ts";
import { type HotlistCrawled, hotlist, type StoreCrawl } from "./hotlist-crawls.ts";

const now = Date.parse("2026-01-05T08:00:00.000Z");
const [first, second] = ["66f2a1b00a1b2c3d4e5f6070", "66f2a1b00a1b2c3d4e5f6071"];
const row = { rank: 1, title: "a", heat: "1", link: "/" };
const store = (crawlId: string, count = 1): StoreCrawl => ({
  type: "storeCrawl",
  site: "bilibili",
  crawlId,
  rows: Array.from({ length: count }, () => row),
  now,
});
const crawled = (crawlId: string, count = 1): HotlistCrawled => ({
  type: "hotlist.crawled",
  data: { site: "bilibili", crawlId, count, at: new Date(now).toISOString() },
});

describe("the crawls of a site", () => {
  it("are stored with the number of their rows", () => {
    given(hotlist)().when(store(first, 3)).then(crawled(first, 3));
  });

  it("are stored once, whatever other crawls there are", () => {
    given(hotlist)(crawled(first), crawled(second)).when(store(first, 2)).thenNothing();
    given(hotlist)(crawled(first)).when(store(second)).then(crawled(second));
  });
});

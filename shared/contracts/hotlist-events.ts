import { type EventOf, event, eventFamily } from "./event.ts";

export const hotlistEvents = eventFamily({
  "hotlist.crawled": event({
    version: 1,
    source: "crawler",
    stream: "hotlist",
    summary: "A hot list was fetched and its rows are stored.",
    data: {
      site: "string",
      /** Shared by all rows of this crawl. */
      crawlId: "id",
      count: { type: "number", integer: true, min: 0 },
      at: "instant",
    },
    example: {
      site: "bilibili",
      crawlId: "66f2a1d00a1b2c3d4e5f6073",
      count: 30,
      at: "2026-01-05T08:00:01.500Z",
    },
  }),
});

export type HotlistEvent = EventOf<typeof hotlistEvents.contracts>;

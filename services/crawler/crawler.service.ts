import type { Context, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { type Config, loadConfig } from "../../shared/config.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { answers, type Meta } from "../../shared/service.ts";
import { crawl } from "./crawl.ts";
import { httpPageFetcher } from "./http-page-fetcher.ts";
import { type HotRowDocument, type HotRows, mongoHotRows } from "./mongo-hot-rows.ts";

export interface CrawlerDeps {
  readonly config: Pick<
    Config,
    "mongoUrl" | "mongoDatabase" | "natsUrl" | "crawlerUrl" | "crawlerTimeoutMs" | "crawlerUserAgent"
  >;
  readonly clock: Clock;
}

/** Fetches hot lists and keeps their rows. */
export const crawlerService = ({ config, clock }: CrawlerDeps): ServiceSchema => {
  const { crawlerUrl: url, crawlerTimeoutMs: timeoutMs, crawlerUserAgent: userAgent } = config;
  const fetcher = httpPageFetcher({ url, timeoutMs, userAgent });
  let events: OpenEventStore;
  let rows: HotRows;
  return {
    name: "crawler",
    actions: answers("crawler", {
      crawl: (params, ctx) => crawl({ fetcher, rows }, params, causeOf(ctx)),
      list: (query) => rows.list(query),
    }),
    events: {
      /** What an earlier process left unsent goes out when all who listen have subscribed. */
      "$broker.started": () => events.outbox.adoptEnded(),
    },
    async started() {
      const { broker, logger: log } = this;
      events = await openEventStore({ config, service: "crawler", bus: broker.bus, clock, log });
      const { db, store, outbox } = events;
      await ensureIndexes(db, ["events", "bilibili_hot_new"]);
      await outbox.start();
      rows = mongoHotRows({
        store,
        rows: db.collection<HotRowDocument>("bilibili_hot_new"),
        events: db.collection<EventDocument>("events"),
        clock,
      });
    },
    stopped: () => events?.close(),
  };
};

/** A crawl belongs to the course of the run that asked for it. */
function causeOf({ requestID, meta }: Context<unknown, Meta>): Causation {
  return {
    ...(requestID ? { correlationid: requestID } : {}),
    ...(meta.traceparent === undefined ? {} : { traceparent: meta.traceparent }),
    ...(meta.actor === undefined ? {} : { actor: meta.actor }),
  };
}

export default () => crawlerService({ config: loadConfig(), clock: systemClock });

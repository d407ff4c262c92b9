import type { ServiceBroker, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { createCommandHandler } from "../../shared/event-store/command-handler.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { monitoringOf } from "../../shared/monitoring/monitoring.ts";
import { createPeriodicJob, type PeriodicJob } from "../../shared/periodic-job.ts";
import { actionsOf, causeOf } from "../../shared/service.ts";
import { crawl, type HotlistCommandHandler } from "./crawl.ts";
import { hotlist } from "./hotlist-crawls.ts";
import { httpPageFetcher } from "./http-page-fetcher.ts";
import { type HotRowDocument, type HotRows, mongoHotRows } from "./mongo-hot-rows.ts";

export interface CrawlerDeps {
  readonly config: Pick<
    Config,
    | "mongoUrl"
    | "mongoDatabase"
    | "natsUrl"
    | "crawlerUrl"
    | "crawlerTimeoutMs"
    | "crawlerUserAgent"
    | "crawlerMaxAgeMs"
  >;
  readonly clock: Clock;
}

const PURGE_EVERY_MS = 3_600_000;

/** Crawls of one transaction; a site is crawled by few tasks at a time. */
const MAX_BATCH = 100;

/** Fetches hot lists and stores their rows. */
export const crawlerService = ({ config, clock }: CrawlerDeps): ServiceSchema => {
  const { crawlerUrl: url, crawlerTimeoutMs: timeoutMs, crawlerUserAgent: userAgent } = config;
  const maxAgeMs = config.crawlerMaxAgeMs;
  const fetcher = httpPageFetcher({ url, timeoutMs, userAgent });
  let events: OpenEventStore;
  let rows: HotRows;
  let handler: HotlistCommandHandler;
  let purging: PeriodicJob | undefined;
  return {
    name: "crawler",
    actions: actionsOf("crawler", {
      crawl: (params, ctx) => crawl({ fetcher, rows, handler, clock }, params, causeOf(ctx)),
      list: (query) => rows.list(query),
      rows: (query) => rows.rows(query),
    }),
    events: {
      /**
       * Events that an earlier process left unsent are published once every consumer of this process has subscribed.
       */
      "$broker.started"() {
        events.outbox.adoptEnded();
        purging?.start();
      },
    },
    async started() {
      const { broker, logger: log } = this;
      const monitoring = monitoringOf(broker);
      events = await openEventStore({ config, service: "crawler", bus: broker.bus, clock, log, monitoring });
      const { db, store, outbox } = events;
      await ensureIndexes(db, ["events", "bilibili_hot_new"]);
      await outbox.start();
      rows = mongoHotRows({
        rows: db.collection<HotRowDocument>("bilibili_hot_new"),
        events: db.collection<EventDocument>("events"),
      });
      handler = createCommandHandler({
        store,
        decider: hotlist,
        stream: "hotlist",
        states: rows,
        clock,
        maxBatch: MAX_BATCH,
        reads: "within",
      });
      purging = maxAgeMs
        ? createPeriodicJob({
            everyMs: Math.min(PURGE_EVERY_MS, Math.max(1000, maxAgeMs / 10)),
            work: () => rows.purgeBefore(clock.now() - maxAgeMs),
            log,
            failure: "old rows could not be purged",
          })
        : undefined;
    },
    async stopped() {
      await purging?.stop();
      await events?.close();
    },
  };
};

export default ({ config }: ServiceBroker) => crawlerService({ config, clock: systemClock });

import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { createPeriodicJob, type PeriodicJob } from "../../shared/periodic-job.ts";
import { answers, type Meta } from "../../shared/service.ts";
import { crawl } from "./crawl.ts";
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

const FORGET_EVERY_MS = 3_600_000;

/** Fetches hot lists and keeps their rows. */
export const crawlerService = ({ config, clock }: CrawlerDeps): ServiceSchema => {
  const { crawlerUrl: url, crawlerTimeoutMs: timeoutMs, crawlerUserAgent: userAgent } = config;
  const maxAgeMs = config.crawlerMaxAgeMs;
  const fetcher = httpPageFetcher({ url, timeoutMs, userAgent });
  let events: OpenEventStore;
  let rows: HotRows;
  let forgetting: PeriodicJob | undefined;
  return {
    name: "crawler",
    actions: answers("crawler", {
      crawl: (params, ctx) => crawl({ fetcher, rows }, params, causeOf(ctx)),
      list: (query) => rows.list(query),
      rows: (query) => rows.rows(query),
    }),
    events: {
      /** What an earlier process left unsent goes out when all who listen have subscribed. */
      "$broker.started"() {
        events.outbox.adoptEnded();
        forgetting?.start();
      },
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
      forgetting = maxAgeMs
        ? createPeriodicJob({
            everyMs: Math.min(FORGET_EVERY_MS, Math.max(1000, maxAgeMs / 10)),
            work: () => rows.forgetBefore(clock.now() - maxAgeMs),
            log,
            failure: "old rows cannot be forgotten",
          })
        : undefined;
    },
    async stopped() {
      await forgetting?.stop();
      await events?.close();
    },
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

export default ({ config }: ServiceBroker) => crawlerService({ config, clock: systemClock });

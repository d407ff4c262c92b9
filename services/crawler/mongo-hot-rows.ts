import { type ClientSession, type Collection, ObjectId } from "mongodb";
import type { Clock } from "../../shared/clock.ts";
import type { ActionAnswer, ActionParams } from "../../shared/contracts/actions.ts";
import type { HotRowView } from "../../shared/contracts/crawler-actions.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import { errorType } from "../../shared/errors.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { mongoPages } from "../../shared/mongo-pages.ts";
import type { HotRow } from "./hotlist.ts";

/** A row as it stands in `bilibili_hot_new`; the original's rows lack crawl and rank. */
export interface HotRowDocument {
  readonly _id: ObjectId;
  readonly title: string;
  readonly heat: string;
  readonly link: string;
  readonly crawl_id?: string;
  readonly rank?: number;
  readonly create_datetime: Date;
  readonly update_datetime: Date;
}

export interface Crawled {
  readonly site: string;
  readonly crawlId: string;
  readonly rows: readonly HotRow[];
  readonly cause?: Causation;
}

/** The rows of all crawls. */
export interface HotRows {
  /** How many rows a crawl stored; 0 for one that did not. */
  count(crawlId: string): Promise<number>;
  /**
   * Stores a crawl's rows and the fact `hotlist.crawled` together, once for each crawl id; answers how many rows the
   * crawl has. Errors: those of the event store, retryable.
   */
  store(crawled: Crawled): Promise<number>;
  /** Error: `LIST_TOO_LONG`. */
  list(query: ActionParams<"crawler.list">): Promise<ActionAnswer<"crawler.list">>;
  rows(query: ActionParams<"crawler.rows">): Promise<ActionAnswer<"crawler.rows">>;
  /** Deletes the rows of crawls before an instant and their events, but for each site's last event. */
  forgetBefore(instant: number): Promise<void>;
}

export interface MongoHotRowsOptions {
  readonly store: EventStore;
  readonly rows: Collection<HotRowDocument>;
  readonly events: Collection<EventDocument>;
  readonly clock: Clock;
}

/** Another crawl of the same site may append at the same moment; more often than this in a row it does not. */
const CONFLICTS_MAX = 5;

export function mongoHotRows({ store, rows, events, clock }: MongoHotRowsOptions): HotRows {
  const pages = mongoPages(rows, toView);
  const versionOf = async (stream: string, session?: ClientSession): Promise<number> => {
    const query = { sort: { version: -1 }, projection: { version: 1 }, ...(session && { session }) } as const;
    return (await events.findOne({ stream }, query))?.version ?? 0;
  };
  const storeOnce = ({ site, crawlId, rows: found, cause }: Crawled): Promise<number> =>
    store.transact(async ({ session, append }) => {
      const known = await rows.countDocuments({ crawl_id: crawlId }, { session });
      if (known > 0) return known;
      const now = clock.now();
      await rows.insertMany(found.map(documentOf(crawlId, new Date(now))), { session });
      const stream = `hotlist-${site}`;
      const data = { site, crawlId, count: found.length, at: new Date(now).toISOString() };
      append({
        stream,
        expectedVersion: await versionOf(stream, session),
        events: [{ type: "hotlist.crawled", data }],
        cause,
      });
      return found.length;
    });

  return {
    count: (crawlId) => rows.countDocuments({ crawl_id: crawlId }),
    async store(crawled) {
      for (let conflicts = 1; ; conflicts++) {
        try {
          return await storeOnce(crawled);
        } catch (error) {
          if (errorType(error) !== "STREAM_CONFLICT" || conflicts === CONFLICTS_MAX) throw error;
        }
      }
    },
    list: ({ page, limit, orderField, order }) =>
      pages.page({ page, limit, filter: {}, sort: sortOf(orderField, order) }, () =>
        rows.estimatedDocumentCount(),
      ),
    rows: pages.rows,
    async forgetBefore(instant) {
      const before = { $lt: new Date(instant) };
      await rows.deleteMany({ create_datetime: before });
      for (const stream of await events.distinct("stream", {
        stream: { $gte: "hotlist-", $lt: "hotlist." },
      })) {
        await events.deleteMany({ stream, version: { $lt: await versionOf(stream) }, time: before });
      }
    },
  };
}

/** The newest crawl first, each crawl in the order of its list, unless the caller wants another order. */
function sortOf(field: string | undefined, order: "asc" | "desc" | undefined): Record<string, 1 | -1> {
  const direction = order === "asc" || (order === undefined && field !== undefined) ? 1 : -1;
  if (field === undefined || field === "create_datetime") {
    return { create_datetime: direction, crawl_id: direction, rank: 1 };
  }
  return { [field]: direction, _id: direction };
}

function documentOf(crawlId: string, now: Date) {
  return ({ title, heat, link, rank }: HotRow): HotRowDocument => ({
    _id: new ObjectId(),
    title,
    heat,
    link,
    crawl_id: crawlId,
    rank,
    create_datetime: now,
    update_datetime: now,
  });
}

function toView(row: HotRowDocument): HotRowView {
  const { _id, title, heat, link, crawl_id: crawlId = "", rank = 0, create_datetime: createdAt } = row;
  return { id: _id.toHexString(), crawlId, rank, title, heat, link, crawledAt: createdAt.toISOString() };
}

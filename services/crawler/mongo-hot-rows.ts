import { type ClientSession, type Collection, ObjectId } from "mongodb";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { HotRowSortField, HotRowView } from "../../shared/contracts/crawler-actions.ts";
import type { StateStore } from "../../shared/event-store/command-handler-options.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { sessionOf } from "../../shared/event-store/mongo-transaction.ts";
import { type ListOrder, mongoPages } from "../../shared/mongo-pages.ts";
import type { HotRow } from "./hotlist.ts";
import type { Crawls, HotlistCrawled, StoreCrawl } from "./hotlist-crawls.ts";

/** A row as stored in `bilibili_hot_new`; rows of the Python original have no crawl and no rank. */
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

/** The rows of all crawls. */
export interface HotRows extends StateStore<Crawls, StoreCrawl, HotlistCrawled> {
  /** The number of rows of a crawl; 0 for an unknown crawl. */
  count(crawlId: string): Promise<number>;
  /** @throws `LIST_TOO_LONG` */
  list(query: ActionParams<"crawler.list">): Promise<ActionResult<"crawler.list">>;
  rows(query: ActionParams<"crawler.rows">): Promise<ActionResult<"crawler.rows">>;
  /** Deletes the crawls before an instant with their events, except each site's last event. */
  purgeBefore(instant: number): Promise<void>;
}

export interface MongoHotRowsOptions {
  readonly rows: Collection<HotRowDocument>;
  readonly events: Collection<EventDocument>;
}

export function mongoHotRows({ rows, events }: MongoHotRowsOptions): HotRows {
  const pages = mongoPages(rows, toView);
  const versionOf = async (stream: string, session?: ClientSession): Promise<number> => {
    const query = { sort: { version: -1 }, projection: { version: 1 }, ...(session && { session }) } as const;
    return (await events.findOne({ stream }, query))?.version ?? 0;
  };

  /** Only the crawls that the commands name: nothing depends on the others. */
  async function crawlsOf(commands: readonly StoreCrawl[], session?: ClientSession): Promise<Crawls> {
    const crawls = new Map<string, number>();
    for (const crawlId of new Set(commands.map((command) => command.crawlId))) {
      const count = await rows.countDocuments({ crawl_id: crawlId }, session && { session });
      if (count > 0) crawls.set(crawlId, count);
    }
    return crawls;
  }

  return {
    count: (crawlId) => rows.countDocuments({ crawl_id: crawlId }),

    async load(sites, { transaction, commands }) {
      const session = transaction ? sessionOf(transaction) : undefined;
      const states = new Map<string, { state: Crawls; version: number }>();
      for (const site of sites) {
        const version = await versionOf(`hotlist-${site}`, session);
        const own = commands.filter((command) => command.site === site);
        states.set(site, { state: await crawlsOf(own, session), version });
      }
      return states;
    },

    async write(transaction, changes) {
      const documents = changes.flatMap(({ decided }) => decided).flatMap(documentsOf);
      if (documents.length > 0) await rows.insertMany(documents, { session: sessionOf(transaction) });
    },

    list: ({ page, limit, orderField, order }) =>
      pages.page({ page, limit, filter: {}, sort: sortOf({ orderField, order }) }, () =>
        rows.estimatedDocumentCount(),
      ),

    rows: pages.rows,

    async purgeBefore(instant) {
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

/** The stored name of each field. */
const STORED_FIELDS: Readonly<Record<HotRowSortField, keyof HotRowDocument>> = {
  id: "_id",
  crawlId: "crawl_id",
  rank: "rank",
  title: "title",
  heat: "heat",
  link: "link",
  crawledAt: "create_datetime",
};

/** By default the newest crawl first, each crawl in the order of its list. */
function sortOf({ orderField: field, order }: ListOrder<HotRowSortField>): Record<string, 1 | -1> {
  const direction = order === "asc" || (order === undefined && field !== undefined) ? 1 : -1;
  if (field === undefined || field === "crawledAt") {
    return { create_datetime: direction, crawl_id: direction, rank: 1 };
  }
  return { [STORED_FIELDS[field]]: direction, _id: direction };
}

function documentsOf({ command: { crawlId, rows, now } }: { readonly command: StoreCrawl }) {
  const at = new Date(now);
  return rows.map(
    ({ title, heat, link, rank }: HotRow): HotRowDocument => ({
      _id: new ObjectId(),
      title,
      heat,
      link,
      crawl_id: crawlId,
      rank,
      create_datetime: at,
      update_datetime: at,
    }),
  );
}

function toView(row: HotRowDocument): HotRowView {
  const { _id, title, heat, link, crawl_id: crawlId = "", rank = 0, create_datetime: createdAt } = row;
  return { id: _id.toHexString(), crawlId, rank, title, heat, link, crawledAt: createdAt.toISOString() };
}

import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { HotRowSortField, HotRowView } from "../../../shared/contracts/crawler-actions.ts";
import { type DatetimeWire, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";

/** The task that `/bilibili/hot/new/task/create` creates: one crawl, at once. */
export const hotlistTask: ActionParams<"scheduler.create"> = {
  name: "获取 bilibili 热搜数据",
  group: "热搜",
  handler: "bilibili_hot_new.main.BilibiliHotNew",
  params: {},
  strategy: "once",
  expression: null,
  remark: null,
  startAt: null,
  endAt: null,
  isActive: true,
};

/** The field that each name of the wire stands for, for sorting. */
export const hotRowSortFields: Readonly<Record<string, HotRowSortField>> = {
  title: "title",
  heat: "heat",
  link: "link",
  create_datetime: "crawledAt",
  rank: "rank",
  crawl_id: "crawlId",
};

/** A crawled row as the API shows it: the original's members, then ours. */
export const hotRowShape = shape(
  "HotRow",
  {
    title: "string",
    heat: "string",
    link: "string",
    id: "id",
    create_datetime: wallTimeRule,
    rank: "number",
    crawl_id: "id",
  },
  {
    title: "a title",
    heat: "985.2w",
    link: "https://search.bilibili.com/all?keyword=1",
    id: "66f2a1e00a1b2c3d4e5f6074",
    create_datetime: "2026-01-05 16:00:00",
    rank: 1,
    crawl_id: "66f2a1c00a1b2c3d4e5f6071",
  },
);

/** Converts a crawled row to its shape. */
export function showHotRow(row: HotRowView, { show }: DatetimeWire): Shown<typeof hotRowShape> {
  return {
    title: row.title,
    heat: row.heat,
    link: row.link,
    id: row.id,
    create_datetime: show(row.crawledAt),
    rank: row.rank,
    crawl_id: row.crawlId,
  };
}

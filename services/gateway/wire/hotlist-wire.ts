import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { HotRowSortField, HotRowView } from "../../../shared/contracts/crawler-actions.ts";
import type { DatetimeWire } from "./datetime-wire.ts";

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
export function showHotRow(row: HotRowView, { show }: DatetimeWire): Record<string, unknown> {
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

import { defineHandler } from "../handler/define-handler.ts";

/**
 * Fetches the bilibili hot list through the crawler. The run's id is the crawl's id, so that a run that is executed again
 * stores its rows once. The Python original's `task_id` is accepted and ignored.
 * @throws the crawl's error (`CRAWL_…`)
 */
export const bilibiliHotNew = defineHandler({
  name: "bilibili_hot_new.main.BilibiliHotNew",
  title: "Fetches the bilibili hot list",
  params: { task_id: { type: "string", max: 255, optional: true } },
  async run(_, { runId, call, log }) {
    const { count } = await call("crawler.crawl", { site: "bilibili", crawlId: runId });
    log.info(`${count} rows stored`);
    return "任务执行完成";
  },
});

import type { Text } from "./language.ts";

/** What the fields of requests and responses mean, by their names on the wire. */
export const fieldTexts: Readonly<Record<string, Text>> = {
  // Envelope
  code: { zh: "结果代码：成功为 200", en: "Code of the result; 200 for success" },
  message: { zh: "结果说明", en: "Text about the result" },
  data: { zh: "结果数据", en: "The result" },
  total: { zh: "符合条件的总行数", en: "Rows that match, on all pages" },
  errors: { zh: "有误的字段", en: "The fields that are wrong" },
  body: { zh: "收到的请求体，机密内容已隐去", en: "The request body as received, with secrets masked" },
  field: { zh: "字段路径", en: "Path of the field" },
  expected: { zh: "期望的值", en: "What is expected" },
  // Paging
  page: { zh: "页码，从 1 开始", en: "Page, from 1" },
  limit: { zh: "每页行数；0 表示全部", en: "Rows per page; 0 means all" },
  v_order_field: { zh: "排序字段", en: "Field to sort by" },
  v_order: {
    zh: "排序方向：desc 或 descending 为降序，其他为升序",
    en: "Direction: desc or descending; all other values ascend",
  },
  // Ids and times
  id: { zh: "编号", en: "Id" },
  data_id: { zh: "数据编号", en: "Id of the row" },
  data_ids: { zh: "数据编号列表", en: "Ids of the rows" },
  task_id: { zh: "所属任务的编号", en: "Id of the task" },
  create_datetime: { zh: "创建时间", en: "When it was created" },
  update_datetime: { zh: "最近一次更新时间", en: "When it was last changed" },
  // Tasks
  name: { zh: "名称", en: "Name" },
  group: { zh: "分组", en: "Group" },
  job_class: { zh: "处理器名称", en: "Name of the handler" },
  job_params: {
    zh: "处理器参数：请求中为对象或 JSON 字符串，响应中为 JSON 字符串",
    en: "Params of the handler: an object or its JSON text in requests, JSON text in responses",
  },
  exec_strategy: { zh: "执行策略", en: "Kind of trigger" },
  expression: {
    zh: "触发表达式，格式取决于执行策略；once 忽略此项",
    en: "Expression of the trigger; its form depends on exec_strategy, and once ignores it",
  },
  is_active: { zh: "是否启用", en: "Whether it is active" },
  remark: { zh: "备注", en: "Remark" },
  start_datetime: {
    zh: "任务：最早触发时间；记录：计划执行时间",
    en: "Task: first instant at which it may be due; record: planned time",
  },
  end_datetime: {
    zh: "任务：最晚触发时间；记录：结束时间",
    en: "Task: last instant at which it may be due; record: end",
  },
  last_run_datetime: { zh: "最近一次执行的计划时间", en: "Planned time of the newest run" },
  next_run_datetime: { zh: "下一次执行的计划时间", en: "Planned time of the next run" },
  status: { zh: "状态", en: "Status" },
  timezone: { zh: "cron 与 date 所用时区", en: "Time zone of cron and date" },
  cron_dialect: { zh: "cron 方言", en: "Dialect of the cron expression" },
  misfire_policy: { zh: "错过触发时的处理", en: "What happens to missed occurrences" },
  misfire_grace_ms: {
    zh: "晚于计划时间不超过此毫秒数不算错过",
    en: "An occurrence that is late by no more than these milliseconds is not missed",
  },
  overlap_policy: {
    zh: "上一次执行未结束时的处理",
    en: "What happens to an occurrence that is due while a run is open",
  },
  timeout_ms: { zh: "单次尝试的时限，毫秒", en: "Time limit of one attempt in milliseconds" },
  // Records
  process_time: { zh: "耗时，秒", en: "Duration in seconds" },
  retval: { zh: "返回值，JSON 文本", en: "Result as JSON text" },
  exception: { zh: "异常信息，JSON 文本", en: "Error as JSON text" },
  traceback: { zh: "堆栈，JSON 文本", en: "Stack as JSON text" },
  started_datetime: { zh: "实际开始时间", en: "When it started" },
  ended_datetime: { zh: "实际结束时间", en: "When it ended" },
  skip: { zh: "未执行的原因与次数", en: "Why and how many occurrences were skipped" },
  error_type: { zh: "错误类型", en: "Type of the error" },
  attempts: { zh: "各次尝试", en: "The attempts of the run" },
  progress: { zh: "进度", en: "Progress" },
  log: { zh: "日志", en: "Log lines" },
  // Hot list
  title: { zh: "标题", en: "Title" },
  heat: { zh: "热度", en: "Heat" },
  link: { zh: "链接", en: "Link" },
  rank: { zh: "名次，从 1 开始", en: "Position in the list, from 1" },
  crawl_id: { zh: "抓取批次编号", en: "Id of the crawl" },
};

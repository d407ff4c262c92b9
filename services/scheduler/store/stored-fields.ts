import type { TaskSortField } from "../../../shared/contracts/scheduler-actions.ts";
import type { TaskDocument } from "./task-document.ts";

/** The stored name of each field that a list can be sorted by. */
export const STORED_FIELDS: Readonly<Record<TaskSortField, keyof TaskDocument>> = {
  id: "_id",
  name: "name",
  group: "group",
  handler: "job_class",
  params: "job_params",
  strategy: "exec_strategy",
  expression: "expression",
  isActive: "is_active",
  remark: "remark",
  startAt: "start_datetime",
  endAt: "end_datetime",
  timezone: "timezone",
  cronDialect: "cron_dialect",
  misfire: "misfire_policy",
  misfireGraceMs: "misfire_grace_ms",
  overlap: "overlap_policy",
  timeoutMs: "timeout_ms",
  retryLimit: "retry_limit",
  retryBackoff: "retry_backoff",
  retryDelayMs: "retry_delay_ms",
  retryMaxDelayMs: "retry_max_delay_ms",
  status: "status",
  createdAt: "create_datetime",
  updatedAt: "update_datetime",
  lastRunAt: "last_run_datetime",
  nextRunAt: "next_run_at",
};

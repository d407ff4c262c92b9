import type { RecordSortField } from "../../../shared/contracts/records-actions.ts";
import type { RecordDocument } from "./record-document.ts";

/** The stored name of each field that a list can be sorted by. */
export const STORED_FIELDS: Readonly<Record<RecordSortField, keyof RecordDocument>> = {
  id: "_id",
  taskId: "task_id",
  plannedAt: "start_datetime",
  endedAt: "end_datetime",
  processTime: "process_time",
  result: "retval",
  exception: "exception",
  traceback: "traceback",
  name: "name",
  group: "group",
  handler: "job_class",
  params: "job_params",
  strategy: "exec_strategy",
  expression: "expression",
  createdAt: "create_datetime",
  updatedAt: "update_datetime",
  status: "status",
  errorType: "error_type",
  skip: "skip",
  attempts: "attempts",
  retryAt: "retry_datetime",
  cancellation: "cancelled_datetime",
  progress: "progress",
  log: "log",
};

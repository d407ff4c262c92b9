import type { RecordSortField, RecordView } from "../../../shared/contracts/records-actions.ts";
import type { Language } from "../texts/language.ts";
import { exceptionText, skipText } from "../texts/record-texts.ts";
import type { DatetimeWire } from "./datetime-wire.ts";
import { pythonJson } from "./python-json.ts";

/** How a record is shown. */
export interface RecordDisplay {
  readonly datetimes: DatetimeWire;
  readonly language: Language;
}

/** The field that each name of the wire stands for, for sorting. */
export const recordSortFields: Readonly<Record<string, RecordSortField>> = {
  task_id: "taskId",
  start_datetime: "plannedAt",
  end_datetime: "endedAt",
  process_time: "processTime",
  retval: "result",
  exception: "exception",
  traceback: "traceback",
  name: "name",
  group: "group",
  job_class: "handler",
  job_params: "params",
  exec_strategy: "strategy",
  expression: "expression",
  create_datetime: "createdAt",
  update_datetime: "updatedAt",
  status: "status",
  skip: "skip",
  error_type: "errorType",
  attempts: "attempts",
  progress: "progress",
  log: "log",
};

/** A run or skip as the API shows it: the original's members in its order, then ours. */
export function showRecord(record: RecordView, display: RecordDisplay): Record<string, unknown> {
  const { show, showOrNull } = display.datetimes;
  const isListed = record.name !== null;
  return {
    task_id: record.taskId,
    start_datetime: show(record.plannedAt),
    end_datetime: showOrNull(record.endedAt),
    process_time: record.processTime,
    ...outcome(record, display),
    // The Python original has the word "null" for tasks that are not in its list, and clients expect a string.
    name: isListed ? record.name : "null",
    group: isListed ? record.group : "null",
    job_class: record.handler,
    job_params: record.params === null ? null : pythonJson(record.params),
    exec_strategy: record.strategy,
    expression: record.expression,
    id: record.id,
    create_datetime: show(record.createdAt),
    update_datetime: show(record.updatedAt),
    status: record.status,
    started_datetime: showOrNull(record.startedAt),
    skip: record.skip && {
      reason: record.skip.reason,
      count: record.skip.count,
      last_planned_datetime: show(record.skip.lastPlannedAt),
    },
    error_type: record.error?.type ?? null,
    attempts: record.attempts.map((attempt) => ({
      number: attempt.number,
      executor: attempt.executor,
      started_datetime: show(attempt.startedAt),
      ended_datetime: showOrNull(attempt.endedAt),
      outcome: attempt.outcome,
    })),
    progress: record.progress,
    log: record.log.map(({ at, level, message }) => ({ datetime: show(at), level, message })),
  };
}

/** The three members with JSON text, where a JSON `null` is the word "null", as in the original. All null until the end. */
function outcome(record: RecordView, { datetimes, language }: RecordDisplay): Record<string, string | null> {
  switch (record.status) {
    case "queued":
    case "running":
      return { retval: null, exception: null, traceback: null };
    case "succeeded":
      return { retval: pythonJson(record.result), exception: "null", traceback: "null" };
    case "skipped":
      return {
        retval: "null",
        exception: pythonJson(skipText(record.skip, datetimes.show, language)),
        traceback: "null",
      };
    case "failed":
    case "timed_out":
    case "cancelled":
    case "lost":
      return {
        retval: "null",
        exception: pythonJson(exceptionText(record, record.status, language)),
        traceback: pythonJson(record.error?.stack),
      };
  }
}

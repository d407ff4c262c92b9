import {
  RECORD_STATUS,
  type RecordSortField,
  type RecordView,
} from "../../../shared/contracts/records-actions.ts";
import { taskDefinition as rules } from "../../../shared/contracts/task-definition.ts";
import type { Language } from "../texts/language.ts";
import { exceptionText, skipText } from "../texts/record-texts.ts";
import { type DatetimeWire, wallTimeOrNull, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
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
  retry_datetime: "retryAt",
  cancelled_datetime: "cancellation",
  progress: "progress",
  log: "log",
};

const nullableText = { type: "string", nullable: true } as const;

/** A run or skip as the API shows it: the original's members in its order, then ours. */
export const recordShape = shape(
  "TaskRecord",
  {
    task_id: "id",
    start_datetime: wallTimeRule,
    end_datetime: wallTimeOrNull,
    process_time: { type: "number", nullable: true },
    retval: nullableText,
    exception: nullableText,
    traceback: nullableText,
    name: "string",
    group: nullableText,
    job_class: nullableText,
    job_params: nullableText,
    exec_strategy: { ...rules.strategy, nullable: true },
    expression: nullableText,
    id: "id",
    create_datetime: wallTimeRule,
    update_datetime: wallTimeRule,
    status: RECORD_STATUS,
    started_datetime: wallTimeOrNull,
    skip: {
      type: "object",
      nullable: true,
      props: { reason: "string", count: "number", last_planned_datetime: wallTimeRule },
    },
    error_type: nullableText,
    attempts: {
      type: "array",
      items: {
        type: "object",
        props: {
          number: "number",
          executor: "string",
          started_datetime: wallTimeRule,
          ended_datetime: wallTimeOrNull,
          outcome: nullableText,
          error: {
            type: "object",
            nullable: true,
            props: { type: "string", message: "string" },
          },
        },
      },
    },
    retry_datetime: wallTimeOrNull,
    cancelled_datetime: wallTimeOrNull,
    cancelled_by: nullableText,
    progress: { type: "object", nullable: true, props: { percent: "number", message: nullableText } },
    log: {
      type: "array",
      items: {
        type: "object",
        props: { datetime: wallTimeRule, level: "string", message: "string", attempt: "number" },
      },
    },
  },
  {
    task_id: "66f2a1b00a1b2c3d4e5f6070",
    start_datetime: "2026-01-05 16:00:10",
    end_datetime: "2026-01-05 16:00:12",
    process_time: 2.004,
    retval: '"\\u4efb\\u52a1\\u6267\\u884c\\u5b8c\\u6210"',
    exception: "null",
    traceback: "null",
    name: "greet",
    group: "test",
    job_class: "test.main.Test",
    job_params: '{"name": "kinit", "age": 3}',
    exec_strategy: "interval",
    expression: "10 * * * *",
    id: "66f2a1c00a1b2c3d4e5f6071",
    create_datetime: "2026-01-05 16:00:08",
    update_datetime: "2026-01-05 16:00:12",
    status: "succeeded",
    started_datetime: "2026-01-05 16:00:10",
    skip: null,
    error_type: null,
    attempts: [
      {
        number: 1,
        executor: "host-1",
        started_datetime: "2026-01-05 16:00:10",
        ended_datetime: "2026-01-05 16:00:12",
        outcome: "succeeded",
        error: null,
      },
    ],
    retry_datetime: null,
    cancelled_datetime: null,
    cancelled_by: null,
    progress: null,
    log: [{ datetime: "2026-01-05 16:00:10", level: "info", message: "name: kinit, age: 3", attempt: 1 }],
  },
);

/** Converts a run or skip to its shape. */
export function showRecord(record: RecordView, display: RecordDisplay): Shown<typeof recordShape> {
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
      error: attempt.error,
    })),
    retry_datetime: showOrNull(record.retryAt),
    cancelled_datetime: showOrNull(record.cancellation?.at ?? null),
    cancelled_by: record.cancellation?.by ?? null,
    progress: record.progress,
    log: record.log.map(({ at, level, message, attempt = 1 }) => ({
      datetime: show(at),
      level,
      message,
      attempt,
    })),
  };
}

type Outcome = Pick<Shown<typeof recordShape>, "retval" | "exception" | "traceback">;

/** The three members with JSON text, where a JSON `null` is the word "null", as in the original. All null until the end. */
function outcome(record: RecordView, { datetimes, language }: RecordDisplay): Outcome {
  switch (record.status) {
    case "queued":
    case "running":
    case "retrying":
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

import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import type { DatetimeWire } from "./datetime-wire.ts";
import { pythonJson } from "./python-json.ts";

const SKIPPED: Readonly<Record<string, string>> = {
  overlap: "上一次执行尚未结束",
  misfire: "已错过计划时间并超出容许时间",
  coalesced: "错过的多次执行已合并为一次",
  calendar: "计划时间被日历排除",
};
/** What `exception` says of an end that left no error of its own. */
const ENDED: Readonly<Record<string, string>> = {
  failed: "任务执行失败",
  timed_out: "任务执行超时",
  cancelled: "任务执行已取消",
  lost: "任务执行丢失：长时间没有执行器的任何消息",
};

/** A run or skip as the API shows it: the original's members in its order, then ours. */
export function showRecord(record: RecordView, { show, showOrNull }: DatetimeWire): Record<string, unknown> {
  const isListed = record.name !== null;
  return {
    task_id: record.taskId,
    start_datetime: show(record.plannedAt),
    end_datetime: showOrNull(record.endedAt),
    process_time: record.processTime,
    ...outcome(record, show),
    // The original has the word "null" for tasks that are not in its list, and clients expect a string.
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

/** The three members that hold JSON text; a JSON `null` is the word, as in the original. All null until the end. */
function outcome(record: RecordView, show: DatetimeWire["show"]): Record<string, string | null> {
  switch (record.status) {
    case "queued":
    case "running":
      return { retval: null, exception: null, traceback: null };
    case "succeeded":
      return { retval: pythonJson(record.result), exception: "null", traceback: "null" };
    case "skipped":
      return { retval: "null", exception: pythonJson(skipText(record, show)), traceback: "null" };
    case "failed":
    case "timed_out":
    case "cancelled":
    case "lost":
      return {
        retval: "null",
        exception: pythonJson(record.error?.message ?? ENDED[record.status]),
        traceback: pythonJson(record.error?.stack),
      };
  }
}

function skipText({ skip }: RecordView, show: DatetimeWire["show"]): string {
  if (skip === null) return "任务未执行";
  const why = SKIPPED[skip.reason] ?? "原因未知";
  const many = skip.count > 1 ? `，共 ${skip.count} 次，最后一次计划时间：${show(skip.lastPlannedAt)}` : "";
  return `任务未执行：${why}（${skip.reason}）${many}`;
}

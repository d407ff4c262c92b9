import { handlersIn } from "../../../shared/contracts/handler-faults.ts";
import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import type { SkipReason } from "../../../shared/contracts/task-definition.ts";
import { handlerUnknown } from "./error-texts.ts";
import { inLanguage, type Language, type Text } from "./language.ts";

const SKIPPED: Readonly<Record<SkipReason, Text>> = {
  overlap: { zh: "上一次执行尚未结束", en: "the previous run has not ended" },
  misfire: { zh: "已错过计划时间并超出容许时间", en: "its planned time passed by more than the grace time" },
  coalesced: { zh: "错过的多次执行已合并为一次", en: "several missed runs became one" },
  calendar: { zh: "计划时间被日历排除", en: "the calendar excludes its planned time" },
};
const UNKNOWN: Text = { zh: "原因未知", en: "unknown reason" };

type Ended = "failed" | "timed_out" | "cancelled" | "lost";
/** For runs that left no error of their own. */
const ENDED: Readonly<Record<Ended, Text>> = {
  failed: { zh: "任务执行失败", en: "The run failed" },
  timed_out: { zh: "任务执行超时", en: "The run timed out" },
  cancelled: { zh: "任务执行已取消", en: "The run was cancelled" },
  lost: {
    zh: "任务执行丢失：长时间没有执行器的任何消息",
    en: "The run was lost: no executor has reported it for a long time",
  },
};

/** `exception` of a run that did not succeed. */
export function exceptionText(record: RecordView, status: Ended, language: Language): string {
  const { error, handler } = record;
  const known = error?.type === "HANDLER_UNKNOWN" ? handlersIn(error.message) : null;
  if (known !== null && handler !== null) return handlerUnknown(handler, known)[language];
  return error?.message ?? inLanguage(ENDED[status], language);
}

/** `exception` of a skip; `show` is how instants are shown. */
export function skipText(
  skip: RecordView["skip"],
  show: (instant: string) => string,
  language: Language,
): string {
  if (skip === null) return { zh: "任务未执行", en: "Not run" }[language];
  const { reason, count } = skip;
  const why = (SKIPPED[reason as SkipReason] ?? UNKNOWN)[language];
  const last = count > 1 ? show(skip.lastPlannedAt) : "";
  return language === "zh"
    ? `任务未执行：${why}（${reason}）${count > 1 ? `，共 ${count} 次，最后一次计划时间：${last}` : ""}`
    : `Not run: ${why} (${reason})${count > 1 ? `, ${count} occurrences, the last one planned for ${last}` : ""}`;
}

import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import {
  CRON_DIALECTS,
  EXEC_STRATEGIES,
  MISFIRE_POLICIES,
  OVERLAP_POLICIES,
  taskDefinition,
} from "../../../shared/contracts/task-definition.ts";
import type { DatetimeWire } from "./datetime-wire.ts";
import { pythonJson } from "./python-json.ts";
import { choice, datetime, flag, jsonObject, text, timezone, whole } from "./wire-kinds.ts";
import { nullable, optional, required, type ValuesOf } from "./wire-validation.ts";

/**
 * The body that creates a task or replaces one, in the original's order; the last six are ours. The original checks
 * nothing of an inactive task; here every definition has to be right.
 */
export const taskFields = {
  name: required(text(taskDefinition.name)),
  group: optional(nullable(text(taskDefinition.group)), null),
  job_class: required(text(taskDefinition.handler)),
  job_params: optional(jsonObject, {} as Readonly<Record<string, unknown>>),
  exec_strategy: required(choice(EXEC_STRATEGIES)),
  expression: optional(nullable(text(taskDefinition.expression)), null),
  is_active: required(flag),
  remark: optional(nullable(text(taskDefinition.remark)), null),
  start_datetime: optional(nullable(datetime), null),
  end_datetime: optional(nullable(datetime), null),
  timezone: optional(nullable(timezone), null),
  cron_dialect: optional(nullable(choice(CRON_DIALECTS)), null),
  misfire_policy: optional(nullable(choice(MISFIRE_POLICIES)), null),
  misfire_grace_ms: optional(nullable(whole(taskDefinition.misfireGraceMs)), null),
  overlap_policy: optional(nullable(choice(OVERLAP_POLICIES)), null),
  timeout_ms: optional(nullable(whole(taskDefinition.timeoutMs)), null),
} as const;

export type TaskBody = ValuesOf<typeof taskFields>;
type Definition = ActionParams<"scheduler.create">;

/** A task's definition as the scheduler takes it; what is null among our own fields is left to its defaults. */
export function toDefinition(task: TaskBody, datetimes: DatetimeWire): Definition {
  const instant = (wall: string | null) => (wall === null ? null : datetimes.read(wall));
  return {
    name: task.name,
    group: task.group,
    handler: task.job_class,
    params: task.job_params,
    strategy: task.exec_strategy,
    expression: task.expression,
    remark: task.remark,
    startAt: instant(task.start_datetime),
    endAt: instant(task.end_datetime),
    isActive: task.is_active,
    ...(task.timezone === null ? {} : { timezone: task.timezone }),
    ...(task.cron_dialect === null ? {} : { cronDialect: task.cron_dialect }),
    ...(task.misfire_policy === null ? {} : { misfire: task.misfire_policy }),
    ...(task.misfire_grace_ms === null ? {} : { misfireGraceMs: task.misfire_grace_ms }),
    ...(task.overlap_policy === null ? {} : { overlap: task.overlap_policy }),
    ...(task.timeout_ms === null ? {} : { timeoutMs: task.timeout_ms }),
  };
}

/** A task as the API shows it: the original's members in its order, then ours. */
export function showTask(task: TaskView, { show, showOrNull }: DatetimeWire): Record<string, unknown> {
  return {
    name: task.name,
    group: task.group,
    job_class: task.handler,
    job_params: pythonJson(task.params),
    exec_strategy: task.strategy,
    expression: task.expression,
    is_active: task.isActive,
    remark: task.remark,
    start_datetime: showOrNull(task.startAt),
    end_datetime: showOrNull(task.endAt),
    id: task.id,
    create_datetime: show(task.createdAt),
    update_datetime: show(task.updatedAt),
    last_run_datetime: showOrNull(task.lastRunAt),
    next_run_datetime: showOrNull(task.nextRunAt),
    status: task.status,
    timezone: task.timezone,
    cron_dialect: task.cronDialect,
    misfire_policy: task.misfire,
    misfire_grace_ms: task.misfireGraceMs,
    overlap_policy: task.overlap,
    timeout_ms: task.timeoutMs,
  };
}

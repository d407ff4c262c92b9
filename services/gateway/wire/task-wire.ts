import type { ActionParams } from "../../../shared/contracts/actions.ts";
import {
  TASK_STATUS,
  type TaskSortField,
  type TaskView,
} from "../../../shared/contracts/scheduler-actions.ts";
import { taskDefinition as rules, taskDefaults } from "../../../shared/contracts/task-definition.ts";
import { type DatetimeWire, wallTimeOrNull, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
import { pythonJson } from "./python-json.ts";
import { type DefinitionField, definitionFields, type taskFields } from "./task-fields.ts";
import type { ValuesOf } from "./wire-validation.ts";

type TaskBody = ValuesOf<typeof taskFields>;

/** The field that each name of the wire stands for, for sorting. */
export const taskSortFields: Readonly<Record<string, TaskSortField>> = {
  ...Object.fromEntries(
    Object.entries(definitionFields).map(([field, { wire }]) => [wire, field as DefinitionField]),
  ),
  create_datetime: "createdAt",
  update_datetime: "updatedAt",
  last_run_datetime: "lastRunAt",
  next_run_datetime: "nextRunAt",
  status: "status",
};

/** Fields that a body may have as null, which leaves them to the scheduler's defaults. */
const DEFAULTED: ReadonlySet<string> = new Set([...Object.keys(taskDefaults), "timezone"]);
const INSTANTS: ReadonlySet<string> = new Set(["startAt", "endAt"] satisfies DefinitionField[]);

const FIELDS = Object.keys(definitionFields) as readonly DefinitionField[];
const ORIGINAL_FIELDS = FIELDS.filter((field) => !DEFAULTED.has(field));
const OWN_FIELDS = FIELDS.filter((field) => DEFAULTED.has(field));

/** A definition as the scheduler expects it. */
export function toDefinition(body: TaskBody, datetimes: DatetimeWire): ActionParams<"scheduler.create"> {
  const definition: Record<string, unknown> = {};
  for (const [field, { wire }] of Object.entries(definitionFields)) {
    const value = body[wire];
    if (value === null && DEFAULTED.has(field)) continue;
    definition[field] = INSTANTS.has(field) && value !== null ? datetimes.read(value as string) : value;
  }
  return definition as ActionParams<"scheduler.create">;
}

/** A task as the API shows it: the original's members in its order, then ours. */
export const taskShape = shape(
  "Task",
  {
    name: rules.name,
    group: rules.group,
    job_class: rules.handler,
    job_params: "string",
    exec_strategy: rules.strategy,
    expression: rules.expression,
    is_active: "boolean",
    remark: rules.remark,
    start_datetime: wallTimeOrNull,
    end_datetime: wallTimeOrNull,
    id: "id",
    create_datetime: wallTimeRule,
    update_datetime: wallTimeRule,
    last_run_datetime: wallTimeOrNull,
    next_run_datetime: wallTimeOrNull,
    status: TASK_STATUS,
    timezone: rules.timezone,
    cron_dialect: rules.cronDialect,
    misfire_policy: rules.misfire,
    misfire_grace_ms: rules.misfireGraceMs,
    overlap_policy: rules.overlap,
    timeout_ms: rules.timeoutMs,
    retry_limit: rules.retryLimit,
    retry_backoff: rules.retryBackoff,
    retry_delay_ms: rules.retryDelayMs,
    retry_max_delay_ms: rules.retryMaxDelayMs,
  },
  {
    name: "greet",
    group: "test",
    job_class: "test.main.Test",
    job_params: '{"name": "kinit", "age": 3}',
    exec_strategy: "interval",
    expression: "10 * * * *",
    is_active: true,
    remark: "a demonstration",
    start_datetime: null,
    end_datetime: null,
    id: "66f2a1b00a1b2c3d4e5f6070",
    create_datetime: "2026-01-05 16:00:00",
    update_datetime: "2026-01-05 16:00:00",
    last_run_datetime: "2026-01-05 16:00:10",
    next_run_datetime: "2026-01-05 16:00:20",
    status: "active",
    timezone: "Asia/Shanghai",
    cron_dialect: "kinit",
    misfire_policy: "fire_once",
    misfire_grace_ms: 1000,
    overlap_policy: "skip",
    timeout_ms: null,
    retry_limit: 0,
    retry_backoff: "exponential",
    retry_delay_ms: 1000,
    retry_max_delay_ms: 3_600_000,
  },
);

/** Converts a task to its shape. */
export function showTask(task: TaskView, datetimes: DatetimeWire): Shown<typeof taskShape> {
  const { show, showOrNull } = datetimes;
  const shown = (fields: readonly DefinitionField[]) =>
    fields.map((field) => [definitionFields[field].wire, showField(task, field, datetimes)]);
  return {
    ...Object.fromEntries(shown(ORIGINAL_FIELDS)),
    id: task.id,
    create_datetime: show(task.createdAt),
    update_datetime: show(task.updatedAt),
    last_run_datetime: showOrNull(task.lastRunAt),
    next_run_datetime: showOrNull(task.nextRunAt),
    status: task.status,
    ...Object.fromEntries(shown(OWN_FIELDS)),
  } as Shown<typeof taskShape>;
}

function showField(task: TaskView, field: DefinitionField, { showOrNull }: DatetimeWire): unknown {
  if (field === "params") return pythonJson(task.params);
  return INSTANTS.has(field) ? showOrNull(task[field] as string | null) : task[field];
}

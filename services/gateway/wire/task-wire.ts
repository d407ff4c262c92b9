import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { TaskSortField, TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import { taskDefaults } from "../../../shared/contracts/task-definition.ts";
import type { DatetimeWire } from "./datetime-wire.ts";
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
export function showTask(task: TaskView, datetimes: DatetimeWire): Record<string, unknown> {
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
  };
}

function showField(task: TaskView, field: DefinitionField, { showOrNull }: DatetimeWire): unknown {
  if (field === "params") return pythonJson(task.params);
  return INSTANTS.has(field) ? showOrNull(task[field] as string | null) : task[field];
}

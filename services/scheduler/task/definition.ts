import type { ParamsOf } from "../../../shared/contracts/action.ts";
import { parseInstantOrNull } from "../../../shared/contracts/instants.ts";
import type { schedulerActions } from "../../../shared/contracts/scheduler-actions.ts";
import { taskDefaults } from "../../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { AppError, errorType } from "../../../shared/errors.ts";
import { parseTrigger, type Trigger } from "../trigger/trigger.ts";

export type TaskCreated = Extract<TaskEvent, { type: "task.created" }>["data"];
/** What a user defines; instants are ISO-8601 UTC. */
export type Definition = Omit<TaskCreated, "taskId" | "isActive" | "nextRunAt" | "at">;

/** A definition as the actions `create` and `change` receive it: fields with a default may be absent. */
export type DefinitionInput = Omit<
  ParamsOf<(typeof schedulerActions)["scheduler.create"]>,
  "taskId" | "isActive"
>;

/** Completes a definition with the platform's defaults. */
export function completeDefinition(input: DefinitionInput, timezone: string): Definition {
  const defaults = Object.entries({ timezone, ...taskDefaults });
  const missing = defaults.filter(([field]) => (input as Record<string, unknown>)[field] === undefined);
  return { ...input, ...Object.fromEntries(missing) } as Definition;
}

/** Every `task.due` carries the params, and no event may be larger than the bus accepts: 1 MiB by default with NATS. */
const MAX_PARAMS_BYTES = 262_144;

export class ParamsTooLarge extends AppError {
  constructor(bytes: number) {
    super(`The params have ${bytes} bytes; at most ${MAX_PARAMS_BYTES} are allowed`, {
      type: "TASK_PARAMS_TOO_LARGE",
      data: { field: "params", bytes, limit: MAX_PARAMS_BYTES },
    });
  }
}

/** @throws ParamsTooLarge `TASK_PARAMS_TOO_LARGE` */
export function checkParamsSize({ params }: Pick<Definition, "params">): void {
  const bytes = Buffer.byteLength(JSON.stringify(params));
  if (bytes > MAX_PARAMS_BYTES) throw new ParamsTooLarge(bytes);
}

/** Triggers by their definitions, which are never modified. */
const parsed = new WeakMap<Definition, { readonly anchorAt: number; readonly trigger: Trigger }>();

/**
 * The trigger of a definition that took effect at `anchorAt` (ms).
 * @throws InvalidTrigger `TRIGGER_INVALID`
 */
export function triggerOf(definition: Definition, anchorAt: number): Trigger {
  const known = parsed.get(definition);
  if (known && (known.anchorAt === anchorAt || known.trigger.kind === "cron")) return known.trigger;
  const trigger = parse(definition, anchorAt);
  parsed.set(definition, { anchorAt, trigger });
  return trigger;
}

/** Null if a stored definition has become invalid, for example because its time zone is unknown here. */
export function triggerIfValid(definition: Definition, anchorAt: number): Trigger | null {
  try {
    return triggerOf(definition, anchorAt);
  } catch (error) {
    if (errorType(error) === "TRIGGER_INVALID") return null;
    throw error;
  }
}

function parse(definition: Definition, anchorAt: number): Trigger {
  return parseTrigger(
    {
      execStrategy: definition.strategy,
      expression: definition.expression,
      startAt: parseInstantOrNull(definition.startAt),
      endAt: parseInstantOrNull(definition.endAt),
      timezone: definition.timezone,
      cronDialect: definition.cronDialect,
    },
    anchorAt,
  );
}

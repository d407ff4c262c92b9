import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskDue, TaskEvent, TaskSkipped } from "../../../shared/contracts/task-events.ts";
import { countOccurrences, nextOccurrence } from "../trigger/trigger.ts";
import { triggerIfValid, triggerOf } from "./definition.ts";
import { resolveMissed, type SkipRange } from "./policies.ts";
import { type DefinedTask, isBusy, isHeldUp, MAX_OPEN_RUNS } from "./task-state.ts";

/**
 * Orders and skips that one decision makes; what is left is decided next. Hundreds of tasks are decided in one
 * transaction, which has to end in time also where each of them makes up for a day.
 */
export const MAX_STEPS = 20;

type Skip = Omit<SkipRange, "reason"> & { readonly reason: TaskSkipped["data"]["reason"] };

/** Settles what is due: up to `now`, and up to `aheadMs` beyond it where nothing speaks against it. */
export interface Fire {
  readonly type: "fire";
  readonly taskId: string;
  readonly now: number;
  readonly aheadMs: number;
  /** The most occurrences that one command settles. */
  readonly limit: number;
}

/**
 * Decides the occurrences that are due. Those whose time has come are settled by the misfire policy, then by the
 * overlap policy. One that is still ahead is dispatched at once, so that an executor can start it to the
 * millisecond; but where runs must not overlap it waits for the end of the earlier run, or for its own time.
 */
export function fire({ now, aheadMs, limit }: Fire, task: DefinedTask): TaskEvent[] {
  const { status, nextRunAt, definition, anchorAt } = task;
  if (status !== "active" || nextRunAt === null || nextRunAt > now + aheadMs) return [];
  if (nextRunAt > now) {
    if (isHeldUp(task)) return [];
    return settled(task, [nextRunAt], { skipped: [], now });
  }
  const { fires, skipped } = resolveMissed({
    trigger: triggerOf(definition, anchorAt),
    after: nextRunAt - 1,
    now,
    policy: definition.misfire,
    graceMs: definition.misfireGraceMs,
    limit,
  });
  // What was planned stands, also where a changed time zone has moved the trigger's occurrences since.
  const isMoved = fires.length === 0 && skipped.length === 0;
  return settled(task, isMoved ? [nextRunAt] : fires, { skipped, now });
}

/**
 * Accounts for what is due and was not fired yet when a task is stopped or replaced: it is missed, whatever the misfire
 * policy, because nothing of the old plan may begin after that.
 */
export function forgo(task: DefinedTask, now: number): TaskEvent[] {
  const { nextRunAt, definition, anchorAt } = task;
  if (nextRunAt === null || nextRunAt > now) return [];
  // A task whose definition has become invalid can still be paused and changed; only one occurrence of it was planned.
  const trigger = triggerIfValid(definition, anchorAt);
  const { count, last } = trigger
    ? countOccurrences(trigger, { after: nextRunAt - 1, until: now, limit: Number.POSITIVE_INFINITY })
    : { count: 1, last: null };
  // What was planned stands, also where a changed time zone has moved the trigger's occurrences since.
  const lastPlannedAt = last ?? nextRunAt;
  const skip: Skip = { reason: "misfire", plannedAt: nextRunAt, lastPlannedAt, count: Math.max(1, count) };
  return [skipEvent(task, skip, { nextRunAt: trigger && nextOccurrence(trigger, lastPlannedAt), now })];
}

/** Events for the fires and skips in the order of their planned times, and the task's end where none is left. */
function settled(
  task: DefinedTask,
  fires: readonly number[],
  { skipped, now }: { skipped: readonly SkipRange[]; now: number },
): TaskEvent[] {
  const mustNotOverlap = task.definition.overlap === "skip";
  let isFree = !(mustNotOverlap && isBusy(task));
  let openRuns = task.running.length;
  const trigger = triggerOf(task.definition, task.anchorAt);
  const steps = [...skipped, ...fires].sort((a, b) => plannedAtOf(a) - plannedAtOf(b)).slice(0, MAX_STEPS);
  const events: TaskEvent[] = [];
  let nextRunAt: number | null = null;
  for (const step of steps) {
    const last = typeof step === "number" ? step : step.lastPlannedAt;
    nextRunAt = nextOccurrence(trigger, last);
    if (typeof step !== "number") events.push(skipEvent(task, step, { nextRunAt, now }));
    else if (!isFree || openRuns >= MAX_OPEN_RUNS) {
      const skip: Skip = { reason: "overlap", plannedAt: step, lastPlannedAt: step, count: 1 };
      events.push(skipEvent(task, skip, { nextRunAt, now }));
    } else {
      events.push(
        dueEvent(task, { runId: occurrenceId(task.taskId, step), plannedAt: step, nextRunAt, now }),
      );
      openRuns += 1;
      isFree = !mustNotOverlap;
    }
  }
  if (events.length > 0 && nextRunAt === null) {
    events.push({ type: "task.finished", data: { taskId: task.taskId, at: iso(now) } });
  }
  return events;
}

interface Due {
  readonly runId: string;
  readonly plannedAt: number;
  readonly nextRunAt: number | null;
  readonly now: number;
}

/** The event that orders a run: all that an executor and a record need. */
export function dueEvent(task: DefinedTask, { runId, plannedAt, nextRunAt, now }: Due): TaskDue {
  return {
    type: "task.due",
    data: {
      taskId: task.taskId,
      runId,
      attempt: 1,
      plannedAt: iso(plannedAt),
      ...described(task),
      timeoutMs: task.definition.timeoutMs,
      nextRunAt: isoOrNull(nextRunAt),
      at: iso(now),
    },
  };
}

function skipEvent(
  task: DefinedTask,
  skip: Skip,
  { nextRunAt, now }: Pick<Due, "nextRunAt" | "now">,
): TaskSkipped {
  return {
    type: "task.skipped",
    data: {
      taskId: task.taskId,
      skipId: occurrenceId(task.taskId, skip.plannedAt),
      reason: skip.reason,
      plannedAt: iso(skip.plannedAt),
      lastPlannedAt: iso(skip.lastPlannedAt),
      count: skip.count,
      ...described(task),
      nextRunAt: isoOrNull(nextRunAt),
      at: iso(now),
    },
  };
}

function described({ definition: { name, group, handler, params, strategy, expression } }: DefinedTask) {
  return { name, group, handler, params, strategy, expression };
}

const plannedAtOf = (step: number | Skip): number => (typeof step === "number" ? step : step.plannedAt);
const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

import { isoInstant, isoInstantOrNull } from "../../../shared/contracts/instants.ts";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { RetryPolicy } from "../../../shared/contracts/retry-policy.ts";
import { taskDefaults } from "../../../shared/contracts/task-definition.ts";
import type { TaskDue, TaskEvent, TaskSkipped } from "../../../shared/contracts/task-events.ts";
import { countOccurrences, nextOccurrence } from "../trigger/trigger.ts";
import { type Definition, triggerIfValid, triggerOf } from "./definition.ts";
import { resolveMissed, type SkipRange } from "./policies.ts";
import {
  type DefinedTask,
  isDispatchBlocked,
  isWithdrawn,
  MAX_OPEN_RUNS,
  mayBeRunning,
} from "./task-state.ts";

/**
 * Dispatches and skips of one decision; the next decision continues. Hundreds of tasks are decided in one transaction,
 * which has to stay short even if each of them catches up on a day.
 */
export const MAX_STEPS = 20;

type Skip = Omit<SkipRange, "reason"> & { readonly reason: TaskSkipped["data"]["reason"] };

/** Dispatches or skips the occurrences of a task up to `now`, and dispatches one that comes within `aheadMs`. */
export interface DispatchDue {
  readonly type: "dispatchDue";
  readonly taskId: string;
  readonly now: number;
  readonly aheadMs: number;
  /** Maximum number of occurrences that one command accounts for. */
  readonly limit: number;
}

/**
 * Decides about the occurrences that are due. The misfire policy and then the overlap policy decide about those whose
 * planned time has come. One that is still ahead is dispatched at once, so that an executor can start it on time to the
 * millisecond. If runs must not overlap, it waits until the earlier run has ended or its own planned time has come.
 */
export function dispatchDue({ now, aheadMs, limit }: DispatchDue, task: DefinedTask): TaskEvent[] {
  const { status, nextRunAt, definition, anchorAt } = task;
  if (status !== "active" || nextRunAt === null || nextRunAt > now + aheadMs) return [];
  if (nextRunAt > now) {
    if (isDispatchBlocked(task)) return [];
    return accountFor(task, [nextRunAt], { skipped: [], now });
  }
  const { dispatches, skipped } = resolveMissed({
    trigger: triggerOf(definition, anchorAt),
    after: nextRunAt - 1,
    now,
    policy: definition.misfire,
    graceMs: definition.misfireGraceMs,
    limit,
  });
  // The planned time stays valid even if changed time zone data has moved the trigger's occurrences since.
  const isMoved = dispatches.length === 0 && skipped.length === 0;
  return accountFor(task, isMoved ? [nextRunAt] : dispatches, { skipped, now });
}

/**
 * Skips the occurrences that are due and were not dispatched when their task is paused or changed. The misfire policy
 * does not apply: no run of the old definition may start after that.
 */
export function skipDue(task: DefinedTask, now: number): TaskEvent[] {
  const { nextRunAt, definition, anchorAt } = task;
  if (nextRunAt === null || nextRunAt > now) return [];
  // A task whose definition has become invalid can still be paused and changed. Only its next occurrence is known.
  const trigger = triggerIfValid(definition, anchorAt);
  const { count, last } = trigger
    ? countOccurrences(trigger, { after: nextRunAt - 1, until: now, limit: Number.POSITIVE_INFINITY })
    : { count: 1, last: null };
  // The planned time stays valid even if changed time zone data has moved the trigger's occurrences since.
  const lastPlannedAt = last ?? nextRunAt;
  const skip: Skip = { reason: "misfire", plannedAt: nextRunAt, lastPlannedAt, count: Math.max(1, count) };
  return [skipEvent(task, skip, { nextRunAt: trigger && nextOccurrence(trigger, lastPlannedAt), now })];
}

/** Events for dispatches and skips, sorted by planned time, and `task.finished` if no occurrence is left. */
function accountFor(
  task: DefinedTask,
  dispatches: readonly number[],
  { skipped, now }: { skipped: readonly SkipRange[]; now: number },
): TaskEvent[] {
  const mustNotOverlap = task.definition.overlap === "skip";
  let isFree = !(mustNotOverlap && mayBeRunning(task));
  let openRuns = task.openRuns.length;
  const trigger = triggerOf(task.definition, task.anchorAt);
  const steps = [...skipped, ...dispatches]
    .sort((a, b) => plannedAtOf(a) - plannedAtOf(b))
    .slice(0, MAX_STEPS);
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
    events.push({ type: "task.finished", data: { taskId: task.taskId, at: isoInstant(now) } });
  }
  return events;
}

interface Due {
  readonly runId: string;
  readonly plannedAt: number;
  readonly nextRunAt: number | null;
  readonly now: number;
}

/** The event that dispatches a run: everything that an executor and a record need. */
export function dueEvent(task: DefinedTask, { runId, plannedAt, nextRunAt, now }: Due): TaskDue {
  const retry = retryOf(task.definition);
  return {
    type: "task.due",
    data: {
      taskId: task.taskId,
      runId,
      attempt: 1,
      plannedAt: isoInstant(plannedAt),
      ...described(task),
      timeoutMs: task.definition.timeoutMs,
      ...(retry && { retry }),
      nextRunAt: isoInstantOrNull(nextRunAt),
      at: isoInstant(now),
    },
  };
}

/** Dispatches the next attempt of a run as the first one was dispatched. */
export interface DispatchRetry {
  readonly type: "dispatchRetry";
  readonly taskId: string;
  readonly runId: string;
  /** The `task.due` of the attempt before. */
  readonly previous: TaskDue["data"];
  readonly now: number;
}

/** Nothing happens to a run that does not wait for a retry, or whose retry is not due or was withdrawn. */
export function dispatchRetry(
  { runId, previous, now }: DispatchRetry,
  { openRuns, nextRunAt }: DefinedTask,
): TaskEvent[] {
  const run = openRuns.find((each) => each.runId === runId);
  if (run?.retryAt === undefined || run.retryAt > now || isWithdrawn(run)) return [];
  const attempt = run.attempt + 1;
  const data = { ...previous, attempt, nextRunAt: isoInstantOrNull(nextRunAt), at: isoInstant(now) };
  return [{ type: "task.due", data }];
}

/** Undefined if the task's runs have one attempt each. */
function retryOf(definition: Definition): RetryPolicy | undefined {
  if (!definition.retryLimit) return undefined;
  const { retryLimit, retryBackoff, retryDelayMs, retryMaxDelayMs } = { ...taskDefaults, ...definition };
  return { limit: retryLimit, backoff: retryBackoff, delayMs: retryDelayMs, maxDelayMs: retryMaxDelayMs };
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
      plannedAt: isoInstant(skip.plannedAt),
      lastPlannedAt: isoInstant(skip.lastPlannedAt),
      count: skip.count,
      ...described(task),
      nextRunAt: isoInstantOrNull(nextRunAt),
      at: isoInstant(now),
    },
  };
}

function described({ definition: { name, group, handler, params, strategy, expression } }: DefinedTask) {
  return { name, group, handler, params, strategy, expression };
}

const plannedAtOf = (step: number | Skip): number => (typeof step === "number" ? step : step.plannedAt);

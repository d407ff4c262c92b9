import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";
import { firstOccurrence, nextOccurrence } from "../trigger/trigger.ts";
import { InvalidTrigger } from "../trigger/trigger-error.ts";
import { type Definition, triggerOf } from "./definition.ts";
import {
  type DispatchDue,
  type DispatchRetry,
  dispatchDue,
  dispatchRetry,
  dueEvent,
  skipDue,
} from "./task-dispatch.ts";
import { evolve, type TaskFact } from "./task-evolution.ts";
import {
  type DefinedTask,
  isDefined,
  MAX_OPEN_RUNS,
  openRunOf,
  type Task,
  TaskActive,
  TaskNotFound,
  TooManyOpenRuns,
} from "./task-state.ts";

export type TaskCommand =
  | { type: "create"; taskId: string; definition: Definition; isActive: boolean; now: number }
  | { type: "change"; taskId: string; definition: Definition; isActive: boolean; now: number }
  | { type: "pause"; taskId: string; now: number }
  | { type: "resume"; taskId: string; now: number }
  | { type: "delete"; taskId: string; now: number }
  | { type: "runNow"; taskId: string; runId: string; now: number }
  | { type: "cancelRun"; taskId: string; runId: string; by: string | null; now: number }
  | DispatchDue
  | DispatchRetry
  | AwaitRetry
  | EndRun;

/** Removes a run that has ended from the open runs. Stores no event: the run's end is on the run's stream. */
export interface EndRun {
  readonly type: "endRun";
  readonly taskId: string;
  readonly runId: string;
}

/** An attempt failed and another one follows. Stores no event: the end of the attempt is on the run's stream. */
export interface AwaitRetry {
  readonly type: "awaitRetry";
  readonly taskId: string;
  readonly runId: string;
  /** The attempt that failed. */
  readonly attempt: number;
  readonly retryAt: number;
}

/** The life of a task. */
export const task: Decider<Task, TaskCommand, TaskFact> = {
  initialState: { status: "none" },

  decide(command, state) {
    switch (command.type) {
      case "create":
        return state.status === "none" ? [created(command)] : [];
      case "dispatchDue":
        return isDefined(state) ? dispatchDue(command, state) : [];
      case "dispatchRetry":
        return isDefined(state) ? dispatchRetry(command, state) : [];
      case "awaitRetry":
        return awaitRetry(command, state);
      case "endRun":
        return openRunOf(state, command.runId) ? [{ type: "runRemoved", runId: command.runId }] : [];
    }
    if (!isDefined(state)) throw new TaskNotFound(command.taskId);
    const { taskId, now } = command;
    switch (command.type) {
      case "change":
        return changed(command, state);
      case "pause":
        return state.status === "active" || mayStillStart(state)
          ? [...skipDue(state, now), { type: "task.paused", data: { taskId, at: isoInstant(now) } }]
          : [];
      case "resume":
        return state.status === "active" ? [] : [resumed(state, now)];
      case "delete":
        if (state.status === "active") throw new TaskActive(taskId);
        return [{ type: "task.deleted", data: { taskId, at: isoInstant(now) } }];
      case "cancelRun":
        return runCancelled(command, state);
      case "runNow":
        if (state.openRuns.length >= MAX_OPEN_RUNS) throw new TooManyOpenRuns(taskId);
        return [dueEvent(state, { runId: command.runId, plannedAt: now, nextRunAt: state.nextRunAt, now })];
      default:
        command satisfies never;
        return [];
    }
  },

  evolve,
};

/** Nothing happens if the run has ended, waits already, or a later attempt was dispatched. */
function awaitRetry({ runId, attempt, retryAt }: AwaitRetry, state: Task): TaskFact[] {
  const run = openRunOf(state, runId);
  if (!run || run.attempt !== attempt || run.retryAt !== undefined) return [];
  return [{ type: "runWaits", runId, attempt, retryAt }];
}

type CancelRun = Extract<TaskCommand, { type: "cancelRun" }>;

/** Nothing happens to a run that has ended or was cancelled before. */
function runCancelled({ taskId, runId, by, now }: CancelRun, state: DefinedTask): TaskEvent[] {
  const run = openRunOf(state, runId);
  if (!run || run.cancellation) return [];
  return [{ type: "task.run_cancelled", data: { taskId, runId, requestedBy: by, at: isoInstant(now) } }];
}

type Create = Extract<TaskCommand, { type: "create" }>;
type Change = Extract<TaskCommand, { type: "change" }>;

function created({ taskId, definition, isActive, now }: Create): TaskEvent {
  const first = firstRun(definition, { now, accountedUntil: null });
  return {
    type: "task.created",
    data: {
      taskId,
      ...definition,
      isActive,
      nextRunAt: isActive ? isoInstant(first) : null,
      at: isoInstant(now),
    },
  };
}

/** A task whose only instant was dispatched already is finished: that run belongs to the old definition. */
function changed({ taskId, definition, isActive, now }: Change, state: DefinedTask): TaskEvent[] {
  const skips = skipDue(state, now);
  const { lastRunAt, accountedUntil } = afterEvents(state, skips);
  const first = firstRun(definition, { now, accountedUntil });
  const isSpent = lastRunAt !== null && first <= lastRunAt;
  const nextRunAt = isActive && !isSpent ? isoInstant(unaccounted(first, accountedUntil)) : null;
  const event: TaskEvent = {
    type: "task.changed",
    data: { taskId, ...definition, isActive, nextRunAt, at: isoInstant(now) },
  };
  const events = [...skips, event];
  if (!isActive || !isSpent) return events;
  return [...events, { type: "task.finished", data: { taskId, at: isoInstant(now) } }];
}

/**
 * If the only occurrence of a task was dispatched and then revoked, it is planned again 1 ms later, so that it gets an
 * id of its own.
 */
function resumed({ taskId, definition, accountedUntil }: DefinedTask, now: number): TaskEvent {
  const first = firstRun(definition, { now, accountedUntil });
  const nextRunAt = unaccounted(first, accountedUntil);
  return { type: "task.resumed", data: { taskId, nextRunAt: isoInstant(nextRunAt), at: isoInstant(now) } };
}

function afterEvents(state: DefinedTask, events: readonly TaskEvent[]): DefinedTask {
  const after = events.reduce<Task>(evolve, state);
  return isDefined(after) ? after : state;
}

/** An instant whose occurrence id was not used yet: ids are made of task and instant. */
function unaccounted(plannedAt: number, accountedUntil: number | null): number {
  return accountedUntil !== null && plannedAt <= accountedUntil ? accountedUntil + 1 : plannedAt;
}

/**
 * The first occurrence from now on; for a repeating trigger, the first one that is not accounted for.
 *
 * @throws InvalidTrigger `TRIGGER_INVALID` for a definition without any occurrence in the future
 */
function firstRun(
  definition: Definition,
  { now, accountedUntil }: { now: number; accountedUntil: number | null },
): number {
  const trigger = triggerOf(definition, now);
  const isRepeating = trigger.kind === "cron" || trigger.kind === "interval";
  const first =
    isRepeating && accountedUntil !== null && accountedUntil >= now
      ? nextOccurrence(trigger, accountedUntil)
      : firstOccurrence(trigger, now);
  if (first !== null) return first;
  const endsTooEarly =
    definition.endAt !== null &&
    firstOccurrence(triggerOf({ ...definition, endAt: null }, now), now) !== null;
  throw new InvalidTrigger({
    field: endsTooEarly ? "endAt" : "expression",
    reason: endsTooEarly ? "NO_OCCURRENCE_BEFORE_END" : "NO_OCCURRENCE",
    expected: "a trigger with an occurrence in the future",
  });
}

/** A finished or paused task may have runs that wait. Pausing the task revokes them. */
function mayStillStart({ openRuns }: DefinedTask): boolean {
  return openRuns.some(({ isRevoked }) => !isRevoked);
}

import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";
import { firstOccurrence, nextOccurrence } from "../trigger/trigger.ts";
import { InvalidTrigger } from "../trigger/trigger-error.ts";
import { type Definition, type TaskCreated, triggerOf } from "./definition.ts";
import { dueEvent, type Fire, fire, forgo } from "./task-fire.ts";
import {
  type ActiveRun,
  type DefinedTask,
  isDefined,
  MAX_OPEN_RUNS,
  type RunRemoved,
  runOf,
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
  | { type: "endRun"; taskId: string; runId: string }
  | Fire;

/** What a command on a task leads to: events of its stream, or the removal of an ended run. */
export type TaskFact = TaskEvent | RunRemoved;

/** A task's life. Its open runs follow from its own events and from the ends of its runs. */
export const task: Decider<Task, TaskCommand, TaskFact> = {
  initialState: { status: "none" },

  decide(command, state) {
    if (command.type === "create") return state.status === "none" ? [created(command)] : [];
    if (command.type === "fire") return isDefined(state) ? fire(command, state) : [];
    if (command.type === "endRun")
      return runOf(state, command.runId) ? [{ type: "runRemoved", runId: command.runId }] : [];
    if (!isDefined(state)) throw new TaskNotFound(command.taskId);
    const { taskId, now } = command;
    switch (command.type) {
      case "change":
        return changed(command, state);
      case "pause":
        return state.status === "active" || mayStillStart(state)
          ? [...forgo(state, now), { type: "task.paused", data: { taskId, at: iso(now) } }]
          : [];
      case "resume":
        return state.status === "active" ? [] : [resumed(state, now)];
      case "delete":
        if (state.status === "active") throw new TaskActive(taskId);
        return [{ type: "task.deleted", data: { taskId, at: iso(now) } }];
      case "runNow":
        if (state.running.length >= MAX_OPEN_RUNS) throw new TooManyOpenRuns(taskId);
        return [dueEvent(state, { runId: command.runId, plannedAt: now, nextRunAt: state.nextRunAt, now })];
    }
  },

  evolve(state, event) {
    if (event.type === "task.created") return fromCreated(event.data);
    if (state.status === "none") return state;
    if (event.type === "runRemoved") return withoutRun(state, event.runId);
    if (state.status === "deleted") return state;
    switch (event.type) {
      case "task.changed":
        return fromChanged(state, event.data);
      case "task.paused": {
        const at = Date.parse(event.data.at);
        return {
          ...state,
          status: "paused",
          updatedAt: at,
          nextRunAt: null,
          running: revoked(state.running, at),
        };
      }
      case "task.resumed": {
        const at = Date.parse(event.data.at);
        return {
          ...state,
          status: "active",
          anchorAt: at,
          updatedAt: at,
          nextRunAt: instant(event.data.nextRunAt),
        };
      }
      case "task.deleted":
        return { status: "deleted", running: revoked(state.running, Date.parse(event.data.at)) };
      case "task.finished":
        return { ...state, status: "finished", nextRunAt: null };
      case "task.skipped":
        return {
          ...state,
          nextRunAt: instant(event.data.nextRunAt),
          settledUntil: latest(state.settledUntil, Date.parse(event.data.lastPlannedAt)),
        };
      case "task.due": {
        const { runId, attempt } = event.data;
        const plannedAt = Date.parse(event.data.plannedAt);
        return {
          ...state,
          nextRunAt: instant(event.data.nextRunAt),
          lastRunAt: latest(state.lastRunAt, plannedAt),
          settledUntil: latest(state.settledUntil, plannedAt),
          running: [...state.running, { runId, attempt, plannedAt, isRevoked: false }],
        };
      }
    }
  },
};

type Create = Extract<TaskCommand, { type: "create" }>;
type Change = Extract<TaskCommand, { type: "change" }>;

function created({ taskId, definition, isActive, now }: Create): TaskEvent {
  const first = firstRun(definition, { now, settledUntil: null });
  return {
    type: "task.created",
    data: { taskId, ...definition, isActive, nextRunAt: isActive ? iso(first) : null, at: iso(now) },
  };
}

/** A task whose one instant was ordered already is finished: that run is the old definition's. */
function changed({ taskId, definition, isActive, now }: Change, state: DefinedTask): TaskEvent[] {
  const missed = forgo(state, now);
  const { lastRunAt, settledUntil } = settledBy(state, missed);
  const first = firstRun(definition, { now, settledUntil });
  const isSpent = lastRunAt !== null && first <= lastRunAt;
  const nextRunAt = isActive && !isSpent ? iso(unsettled(first, settledUntil)) : null;
  const event: TaskEvent = {
    type: "task.changed",
    data: { taskId, ...definition, isActive, nextRunAt, at: iso(now) },
  };
  const events = [...missed, event];
  if (!isActive || !isSpent) return events;
  return [...events, { type: "task.finished", data: { taskId, at: iso(now) } }];
}

/** A task whose one instant was dispatched, and revoked, has it once more: as an occurrence of its own, a moment later. */
function resumed({ taskId, definition, settledUntil }: DefinedTask, now: number): TaskEvent {
  const first = firstRun(definition, { now, settledUntil });
  const nextRunAt = unsettled(first, settledUntil);
  return { type: "task.resumed", data: { taskId, nextRunAt: iso(nextRunAt), at: iso(now) } };
}

/** What a task has settled once these events have happened, too. */
function settledBy(state: DefinedTask, events: readonly TaskEvent[]) {
  const after = events.reduce<Task>(task.evolve, state);
  return isDefined(after) ? after : state;
}

/** A planned instant whose id no occurrence had yet: ids are made of task and instant. */
function unsettled(plannedAt: number, settledUntil: number | null): number {
  return settledUntil !== null && plannedAt <= settledUntil ? settledUntil + 1 : plannedAt;
}

/**
 * The first occurrence from now on; of a repeating trigger one that is not settled yet. A definition that can never
 * fire is refused.
 */
function firstRun(
  definition: Definition,
  { now, settledUntil }: { now: number; settledUntil: number | null },
): number {
  const trigger = triggerOf(definition, now);
  const isRepeating = trigger.kind === "cron" || trigger.kind === "interval";
  const first =
    isRepeating && settledUntil !== null && settledUntil >= now
      ? nextOccurrence(trigger, settledUntil)
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

function fromCreated({ taskId, isActive, nextRunAt, at, ...definition }: TaskCreated): DefinedTask {
  const now = Date.parse(at);
  return {
    status: isActive ? "active" : "paused",
    taskId,
    definition,
    anchorAt: now,
    createdAt: now,
    updatedAt: now,
    lastRunAt: null,
    settledUntil: null,
    nextRunAt: instant(nextRunAt),
    running: [],
  };
}

function fromChanged(state: DefinedTask, data: TaskCreated): DefinedTask {
  const { createdAt, lastRunAt, settledUntil, running } = state;
  return { ...fromCreated(data), createdAt, lastRunAt, settledUntil, running };
}

function withoutRun<S extends Exclude<Task, { status: "none" }>>(state: S, runId: string): S {
  const running = state.running.filter((run) => run.runId !== runId);
  return running.length === state.running.length ? state : { ...state, running };
}

/** All that has not started: a run whose time has come may wait for a slot, or be delivered to another executor. */
function revoked(running: readonly ActiveRun[], at: number): readonly ActiveRun[] {
  return running.map((run) => {
    if (run.isRevoked) return run;
    return run.plannedAt > at
      ? { ...run, isRevoked: true }
      : { ...run, isRevoked: true, mayHaveStarted: true };
  });
}

/** A task that is finished or paused may have runs that wait; stopping it keeps these from starting. */
function mayStillStart({ running }: DefinedTask): boolean {
  return running.some(({ isRevoked }) => !isRevoked);
}

const iso = (ms: number): string => new Date(ms).toISOString();
const latest = (known: number | null, other: number): number => Math.max(known ?? other, other);
const instant = (text: string | null): number | null => (text === null ? null : Date.parse(text));

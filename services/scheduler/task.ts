import type { RunEnded } from "../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import type { Decider } from "../../shared/event-store/decider.ts";
import { type Definition, type TaskCreated, triggerOf } from "./definition.ts";
import { dueEvent, type Fire, fire, forgo } from "./task-fire.ts";
import {
  type ActiveRun,
  type DefinedTask,
  isDefined,
  type Task,
  TaskActive,
  TaskNotFound,
} from "./task-state.ts";
import { firstOccurrence, nextOccurrence } from "./trigger.ts";
import { InvalidTrigger } from "./trigger-error.ts";

export type TaskCommand =
  | { type: "create"; taskId: string; definition: Definition; isActive: boolean; now: number }
  | { type: "change"; taskId: string; definition: Definition; isActive: boolean; now: number }
  | { type: "pause"; taskId: string; now: number }
  | { type: "resume"; taskId: string; now: number }
  | { type: "remove"; taskId: string; now: number }
  | { type: "run"; taskId: string; runId: string; now: number }
  | Fire;

/**
 * A task's life. Besides the events of its own stream it folds the ends of its runs, which stand on the runs'
 * streams: they say what is still active.
 */
export const task: Decider<Task, TaskCommand, TaskEvent> & {
  evolve(state: Task, event: TaskEvent | RunEnded): Task;
} = {
  initialState: { status: "none" },

  decide(command, state) {
    if (command.type === "create") return state.status === "none" ? [created(command)] : [];
    if (command.type === "fire") return isDefined(state) ? fire(command, state) : [];
    if (!isDefined(state)) throw new TaskNotFound(command.taskId);
    const { taskId, now } = command;
    switch (command.type) {
      case "change":
        return changed(command, state);
      case "pause":
        return state.status === "active" || hasFutureRun(state, now)
          ? [...forgo(state, now), { type: "task.paused", data: { taskId, at: iso(now) } }]
          : [];
      case "resume":
        return state.status === "active" ? [] : [resumed(state, now)];
      case "remove":
        if (state.status === "active") throw new TaskActive(taskId);
        return [{ type: "task.deleted", data: { taskId, at: iso(now) } }];
      case "run":
        return [dueEvent(state, { runId: command.runId, plannedAt: now, nextRunAt: state.nextRunAt, now })];
    }
  },

  evolve(state, event) {
    if (event.type === "task.created") return fromCreated(event.data);
    if (state.status === "none") return state;
    if (isRunEnd(event)) return withoutRun(state, event.data.runId);
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
        const trigger = triggerOf(state.definition, at);
        return {
          ...state,
          status: "active",
          trigger,
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
        return { ...state, nextRunAt: instant(event.data.nextRunAt) };
      case "task.due": {
        const { runId, attempt } = event.data;
        const plannedAt = Date.parse(event.data.plannedAt);
        return {
          ...state,
          nextRunAt: instant(event.data.nextRunAt),
          lastRunAt: Math.max(plannedAt, state.lastRunAt ?? 0),
          running: [...state.running, { runId, attempt, plannedAt, isRevoked: false }],
        };
      }
    }
  },
};

type Create = Extract<TaskCommand, { type: "create" }>;
type Change = Extract<TaskCommand, { type: "change" }>;

function created({ taskId, definition, isActive, now }: Create): TaskEvent {
  const first = firstRun(definition, { now, lastRunAt: null });
  return {
    type: "task.created",
    data: { taskId, ...definition, isActive, nextRunAt: isActive ? iso(first) : null, at: iso(now) },
  };
}

/** A task whose one instant was ordered already is finished: that run is the old definition's. */
function changed({ taskId, definition, isActive, now }: Change, state: DefinedTask): TaskEvent[] {
  const { lastRunAt } = state;
  const first = firstRun(definition, { now, lastRunAt });
  const isSpent = lastRunAt !== null && first <= lastRunAt;
  const nextRunAt = isActive && !isSpent ? iso(first) : null;
  const event: TaskEvent = {
    type: "task.changed",
    data: { taskId, ...definition, isActive, nextRunAt, at: iso(now) },
  };
  const events = [...forgo(state, now), event];
  if (!isActive || !isSpent) return events;
  return [...events, { type: "task.finished", data: { taskId, at: iso(now) } }];
}

/** A task whose one instant was ordered, and revoked, has it once more: as an occurrence of its own, a moment later. */
function resumed({ taskId, definition, lastRunAt }: DefinedTask, now: number): TaskEvent {
  const first = firstRun(definition, { now, lastRunAt });
  const nextRunAt = lastRunAt !== null && first <= lastRunAt ? lastRunAt + 1 : first;
  return { type: "task.resumed", data: { taskId, nextRunAt: iso(nextRunAt), at: iso(now) } };
}

/**
 * The first occurrence from now on; of a repeating trigger one that was not ordered yet. A definition that can never
 * fire is refused.
 */
function firstRun(
  definition: Definition,
  { now, lastRunAt }: { now: number; lastRunAt: number | null },
): number {
  const trigger = triggerOf(definition, now);
  const isRepeating = trigger.kind === "cron" || trigger.kind === "interval";
  const first =
    isRepeating && lastRunAt !== null && lastRunAt >= now
      ? nextOccurrence(trigger, lastRunAt)
      : firstOccurrence(trigger, now);
  if (first !== null) return first;
  throw new InvalidTrigger(
    "无效的触发器：expression 在 end_datetime 之前已没有可执行的时间，应给出将来的时间",
    {
      field: definition.endAt === null ? "expression" : "end_datetime",
      expected: "a trigger with an occurrence in the future",
    },
  );
}

function fromCreated({ taskId, isActive, nextRunAt, at, ...definition }: TaskCreated): DefinedTask {
  const now = Date.parse(at);
  return {
    status: isActive ? "active" : "paused",
    taskId,
    definition,
    trigger: triggerOf(definition, now),
    anchorAt: now,
    createdAt: now,
    updatedAt: now,
    lastRunAt: null,
    nextRunAt: instant(nextRunAt),
    running: [],
  };
}

function fromChanged(state: DefinedTask, data: TaskCreated): DefinedTask {
  const { createdAt, lastRunAt, running } = state;
  return { ...fromCreated(data), createdAt, lastRunAt, running };
}

function withoutRun<S extends Exclude<Task, { status: "none" }>>(state: S, runId: string): S {
  const running = state.running.filter((run) => run.runId !== runId);
  return running.length === state.running.length ? state : { ...state, running };
}

function revoked(running: readonly ActiveRun[], at: number): readonly ActiveRun[] {
  return running.map((run) => (run.plannedAt > at ? { ...run, isRevoked: true } : run));
}

/** A task whose last occurrence was dispatched ahead is finished, yet may be stopped before it begins. */
function hasFutureRun({ running }: DefinedTask, now: number): boolean {
  return running.some(({ plannedAt, isRevoked }) => plannedAt > now && !isRevoked);
}

function isRunEnd(event: TaskEvent | RunEnded): event is RunEnded {
  return event.type.startsWith("run.");
}

const iso = (ms: number): string => new Date(ms).toISOString();
const instant = (text: string | null): number | null => (text === null ? null : Date.parse(text));

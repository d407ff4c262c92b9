import { parseInstantOrNull } from "../../../shared/contracts/instants.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import type { TaskCreated } from "./definition.ts";
import type { DefinedTask, OpenRun, Task } from "./task-state.ts";

/**
 * One of the task's runs is no longer open. It changes the state and is not stored on the task's stream: the event that
 * ended the run is on the run's stream.
 */
export interface RunRemoved {
  readonly type: "runRemoved";
  readonly runId: string;
}

type RunCancelled = Extract<TaskEvent, { type: "task.run_cancelled" }>;

/** An attempt of one of the task's runs failed, and the run waits for the next one. On the run's stream, as its end. */
export interface RunWaits {
  readonly type: "runWaits";
  readonly runId: string;
  readonly attempt: number;
  readonly retryAt: number;
}

/** What a task's state follows from: the events of its stream, and the ends of its runs and their attempts. */
export type TaskFact = TaskEvent | RunRemoved | RunWaits;

export function evolve(state: Task, change: TaskFact): Task {
  if (change.type === "task.created") return fromCreated(change.data);
  if (state.status === "none") return state;
  if (change.type === "runRemoved") return withoutRun(state, change.runId);
  if (change.type === "runWaits") return withWaiting(state, change);
  if (state.status === "deleted") return state;
  switch (change.type) {
    case "task.changed":
      return fromChanged(state, change.data);
    case "task.paused": {
      const at = Date.parse(change.data.at);
      const openRuns = revoked(state.openRuns, at);
      return { ...state, status: "paused", updatedAt: at, nextRunAt: null, openRuns };
    }
    case "task.resumed": {
      const at = Date.parse(change.data.at);
      const nextRunAt = parseInstantOrNull(change.data.nextRunAt);
      return { ...state, status: "active", anchorAt: at, updatedAt: at, nextRunAt };
    }
    case "task.deleted":
      return { status: "deleted", openRuns: revoked(state.openRuns, Date.parse(change.data.at)) };
    case "task.finished":
      return { ...state, status: "finished", nextRunAt: null };
    case "task.skipped":
      return {
        ...state,
        nextRunAt: parseInstantOrNull(change.data.nextRunAt),
        accountedUntil: latest(state.accountedUntil, Date.parse(change.data.lastPlannedAt)),
      };
    case "task.due": {
      const { runId, attempt, retry } = change.data;
      const plannedAt = Date.parse(change.data.plannedAt);
      return {
        ...state,
        nextRunAt: parseInstantOrNull(change.data.nextRunAt),
        lastRunAt: latest(state.lastRunAt, plannedAt),
        accountedUntil: latest(state.accountedUntil, plannedAt),
        openRuns: withDispatched(state.openRuns, {
          runId,
          attempt,
          plannedAt,
          isRevoked: false,
          ...(retry && { mayRetry: true }),
        }),
      };
    }
    case "task.run_cancelled":
      return { ...state, openRuns: withCancelled(state.openRuns, change.data) };
    default:
      change satisfies never;
      return state;
  }
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
    accountedUntil: null,
    nextRunAt: parseInstantOrNull(nextRunAt),
    openRuns: [],
  };
}

function fromChanged(state: DefinedTask, data: TaskCreated): DefinedTask {
  const { createdAt, lastRunAt, accountedUntil, openRuns } = state;
  return { ...fromCreated(data), createdAt, lastRunAt, accountedUntil, openRuns: openRuns.map(withoutRetry) };
}

/** No attempt of the old definition may start after the change. */
function withoutRetry(run: OpenRun): OpenRun {
  if (!run.mayRetry) return run;
  const { mayRetry, ...final } = run;
  return final;
}

/** A later attempt takes the position of the earlier one. */
function withDispatched(openRuns: readonly OpenRun[], dispatched: OpenRun): readonly OpenRun[] {
  if (dispatched.attempt === 1) return [...openRuns, dispatched];
  return openRuns.map((run) => (run.runId === dispatched.runId ? dispatched : run));
}

function withWaiting<S extends Exclude<Task, { status: "none" }>>(
  state: S,
  { runId, attempt, retryAt }: RunWaits,
): S {
  const openRuns = state.openRuns.map((run) =>
    run.runId === runId && run.attempt === attempt ? { ...run, retryAt } : run,
  );
  return { ...state, openRuns };
}

function withoutRun<S extends Exclude<Task, { status: "none" }>>(state: S, runId: string): S {
  const openRuns = state.openRuns.filter((run) => run.runId !== runId);
  return openRuns.length === state.openRuns.length ? state : { ...state, openRuns };
}

function revoked(openRuns: readonly OpenRun[], at: number): readonly OpenRun[] {
  return openRuns.map((run) => revokedRun(run, at));
}

/** A run whose planned time has come may have started, or may still wait for a slot. */
function revokedRun(run: OpenRun, at: number): OpenRun {
  if (run.isRevoked) return run;
  return run.plannedAt > at ? { ...run, isRevoked: true } : { ...run, isRevoked: true, mayHaveStarted: true };
}

function withCancelled(
  openRuns: readonly OpenRun[],
  { runId, requestedBy: by, at }: RunCancelled["data"],
): readonly OpenRun[] {
  return openRuns.map((run) =>
    run.runId === runId ? { ...revokedRun(run, Date.parse(at)), cancellation: { at, by } } : run,
  );
}

const latest = (known: number | null, other: number): number => Math.max(known ?? other, other);

import type { Clock } from "../../../shared/clock.ts";
import { errorMessage, isRetryable } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import type { DuePlace, TaskStore, VersionedTask } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { triggerIfValid } from "../task/definition.ts";
import { type DefinedTask, isDefined, isHeldUp, runsOf } from "../task/task-state.ts";

export interface DueLoop {
  /** Resolves when the near future is loaded; what is overdue is then being fired. */
  start(): Promise<void>;
  /** Fires no more; resolves when what was begun has ended. */
  stop(): Promise<void>;
  /** A task's state has moved: its next occurrence is looked at anew. */
  moved(taskId: string, state: VersionedTask): void;
  /** A run of the task is being settled: where the next one waited for that, it goes into the same transaction. */
  ended(taskId: string): void;
}

export interface DueLoopOptions {
  readonly tasks: Pick<TaskStore, "dueAfter">;
  readonly commandHandler: Pick<TaskCommandHandler, "handle" | "hasRoom" | "remember" | "forget">;
  readonly clock: Clock;
  readonly log: Log;
  /** How much of the future is held in memory. */
  readonly lookAheadMs: number;
  /** How long before its time an occurrence is dispatched. */
  readonly aheadMs: number;
  /** Called with loaded tasks that have runs on their books, whose end may have been missed, before they fire. */
  readonly onLoaded: (tasks: readonly DefinedTask[]) => Promise<void>;
  /** How many tasks are loaded in one go; 5000 by default. */
  readonly pageSize?: number;
}

interface Planned extends HeapEntry {
  readonly taskId: string;
  nextRunAt: number;
}

/** Tasks held in memory at a time, planned ones and beside them busy ones, and how many are loaded in one go. */
const HELD = 20_000;
const PAGE = 5000;
/** Fire commands under way at a time. */
const FIRING = 5000;
/** Occurrences that one command settles when a task has missed many. */
const FIRE_LIMIT = 10_000;
const RETRY_MS = 200;
/** Before and behind all ids. */
const FIRST_ID = "0".repeat(24);
const LAST_ID = "f".repeat(24);
const BEGINNING: DuePlace = { at: 0, taskId: FIRST_ID };

/**
 * Wakes exactly when the next occurrence is to be dispatched. Holds only tasks that are due within the look-ahead,
 * found by the index on `next_run_at`, so that neither start-up time nor memory grows with the number of tasks.
 */
export function createDueLoop(options: DueLoopOptions): DueLoop {
  const { tasks, commandHandler, clock, log, lookAheadMs, aheadMs, onLoaded, pageSize = PAGE } = options;
  const heap = new MinHeap<Planned>();
  const entries = new Map<string, Planned>();
  /** Tasks with nothing to plan soon that are kept for the ends of their runs: else each would be read once more. */
  const busy = new Set<string>();
  const firing = new Set<Promise<void>>();
  /** All active tasks that are due up to here are in memory. */
  let loadedUntil: DuePlace = BEGINNING;
  /** When to look further; at once after a full page has been worked off. */
  let loadAt = 0;
  /** Nothing is fired before it: the bus has not taken what was fired earlier. */
  let fireAt = 0;
  let loading: Promise<void> | undefined;
  /** States that moved while a page is being read: what the page says of them may be older. */
  const newer = new Map<string, VersionedTask>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = true;

  function plan(entry: Planned, at: number): void {
    heap.remove(entry);
    entry.at = at;
    heap.add(entry);
    if (heap.peek() === entry) arm();
  }

  function unplan(taskId: string): void {
    const entry = entries.get(taskId);
    if (entry) heap.remove(entry);
    entries.delete(taskId);
  }

  function keepForEnd(taskId: string, state: VersionedTask): void {
    unplan(taskId);
    busy.add(taskId);
    commandHandler.remember(taskId, state);
  }

  function drop(taskId: string): void {
    unplan(taskId);
    busy.delete(taskId);
    commandHandler.forget(taskId);
  }

  function consider(taskId: string, state: VersionedTask, { isRetry = false } = {}): void {
    if (isStopped) return;
    const { task } = state;
    const nextRunAt = isDefined(task) && task.status === "active" && isValid(task) ? task.nextRunAt : null;
    if (!isDefined(task) || nextRunAt === null || nextRunAt > loadedUntil.at) {
      if (runsOf(task).length > 0 && busy.size < HELD) keepForEnd(taskId, state);
      else drop(taskId);
      return;
    }
    busy.delete(taskId);
    const entry = entries.get(taskId) ?? { taskId, nextRunAt, at: 0, sequence: 0, position: -1 };
    entry.nextRunAt = nextRunAt;
    entries.set(taskId, entry);
    commandHandler.remember(taskId, state);
    const at = dispatchAt(task, nextRunAt, aheadMs);
    const now = clock.now();
    plan(entry, isRetry && at <= now ? now + RETRY_MS : at);
  }

  function arm(): void {
    clearTimeout(timer);
    if (isStopped || firing.size >= FIRING) return;
    const next = Math.max(fireAt, Math.min(heap.peek()?.at ?? loadAt, loadAt));
    if (next === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(turn, Math.max(0, next - clock.now()));
  }

  function turn(): void {
    const now = clock.now();
    if (commandHandler.hasRoom()) fireDue(now);
    else fireAt = now + RETRY_MS;
    if (now >= loadAt) load();
    arm();
  }

  function fireDue(now: number): void {
    for (let next = heap.peek(); next && next.at <= now && firing.size < FIRING; next = heap.peek()) {
      heap.take();
      fire(next, now);
    }
  }

  function fire(entry: Planned, now: number): void {
    const { taskId } = entry;
    const fired = commandHandler.handle({ type: "fire", taskId, now, aheadMs, limit: FIRE_LIMIT }).then(
      ({ after, version, hasMoved }) => {
        // A task that has moved was planned anew; one that has not is looked at again a little later.
        if (!hasMoved) consider(taskId, { task: after, version }, { isRetry: true });
      },
      (error: unknown) => {
        const fields = { taskId, reason: errorMessage(error) };
        if (isRetryable(error)) log.debug(fields, "a task could not be fired; trying again");
        else log.error(fields, "a task could not be fired; trying again");
        if (!isStopped && entries.get(taskId) === entry) plan(entry, clock.now() + RETRY_MS);
      },
    );
    const tracked = fired.finally(() => {
      firing.delete(tracked);
      if (firing.size === FIRING - 1) arm();
    });
    firing.add(tracked);
  }

  function load(): void {
    loadAt = clock.now() + RETRY_MS;
    if (loading || entries.size >= HELD) return;
    loading = loadPage()
      .catch((error: unknown) => {
        log.warn({ reason: errorMessage(error) }, "the next tasks cannot be loaded; trying again");
      })
      .finally(() => {
        loading = undefined;
        newer.clear();
        arm();
      });
  }

  async function loadPage(): Promise<void> {
    newer.clear();
    const until = clock.now() + lookAheadMs;
    const { states, end, unreadable } = await tasks.dueAfter(loadedUntil, until, pageSize);
    for (const fields of unreadable) log.error(fields, "a task cannot be read, so it does not run");
    for (const { task } of states) {
      if (!isValid(task))
        log.error({ taskId: task.taskId }, "a task's trigger is not valid any more, so it does not run");
    }
    loadedUntil = end ?? { at: until, taskId: LAST_ID };
    loadAt = end ? 0 : until - lookAheadMs / 2;
    // Their next occurrences were compared with the end of what was in memory before.
    for (const [taskId, state] of newer) if (!entries.has(taskId)) consider(taskId, state);
    const fresh = states.filter(({ task: { taskId } }) => !entries.has(taskId) && !newer.has(taskId));
    const running = fresh.filter(({ task }) => task.running.length > 0);
    for (const state of fresh) if (state.task.running.length === 0) consider(state.task.taskId, state);
    if (running.length === 0) return;
    for (const state of running) commandHandler.remember(state.task.taskId, state);
    await onLoaded(running.map(({ task }) => task));
    for (const state of running) if (!newer.has(state.task.taskId)) consider(state.task.taskId, state);
  }

  return {
    async start() {
      isStopped = false;
      loadedUntil = BEGINNING;
      load();
      await loading;
    },

    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await loading;
      await Promise.all(firing);
      for (const taskId of [...entries.keys(), ...busy]) drop(taskId);
    },

    moved(taskId, state) {
      if (loading) newer.set(taskId, state);
      consider(taskId, state);
    },

    ended(taskId) {
      const entry = entries.get(taskId);
      const now = clock.now();
      if (isStopped || !entry || entry.nextRunAt - aheadMs > now || firing.size >= FIRING) return;
      if (!commandHandler.hasRoom()) return;
      heap.remove(entry);
      fire(entry, now);
    },
  };
}

/** False where the trigger was valid when the task was defined, but is not any more. The task can be changed or paused. */
function isValid({ definition, anchorAt }: DefinedTask): boolean {
  return triggerIfValid(definition, anchorAt) !== null;
}

/**
 * When a task's next occurrence is to be looked at: ahead of its time, but at its time where it must wait for the
 * end of an earlier run.
 */
function dispatchAt(task: DefinedTask, nextRunAt: number, aheadMs: number): number {
  return isHeldUp(task) ? nextRunAt : nextRunAt - aheadMs;
}

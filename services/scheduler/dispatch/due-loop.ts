import type { Clock } from "../../../shared/clock.ts";
import { errorMessage, isRetryable } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import type { TaskStore, VersionedTask } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import type { DefinedTask } from "../task/task-state.ts";
import { isValid, KeptTasks, MAX_TASKS } from "./kept-tasks.ts";
import { createNearFuture, type LoadedPage } from "./near-future.ts";
import type { PlannedTask } from "./planned-tasks.ts";

export interface DueLoop {
  /** Resolves when the first tasks are loaded. Those that are overdue are dispatched from then on. */
  start(): Promise<void>;
  /** Dispatches nothing more. Resolves when no dispatch is in flight. */
  stop(): Promise<void>;
  /** Plans the next occurrence of a task whose state has changed. */
  stateChanged(taskId: string, state: VersionedTask): void;
  /** A run of the task has ended. If the next occurrence waits for that, dispatches it in the same transaction. */
  runEnded(taskId: string): void;
}

export interface DueLoopOptions {
  readonly tasks: Pick<TaskStore, "dueAfter">;
  readonly commandHandler: Pick<TaskCommandHandler, "handle" | "hasRoom" | "keep" | "release">;
  readonly clock: Clock;
  readonly log: Log;
  /** How much of the future is kept in memory. */
  readonly lookAheadMs: number;
  /** How long before its planned time an occurrence is dispatched. */
  readonly aheadMs: number;
  /** Called with loaded tasks that have open runs, whose ends may have been missed, before they are dispatched. */
  readonly onLoaded: (tasks: readonly DefinedTask[]) => Promise<void>;
  /** Number of tasks that are loaded at a time. Default: 5000. */
  readonly pageSize?: number;
}

const MAX_IN_FLIGHT = 5000;
const PAGE_SIZE = 5000;
/** Maximum number of occurrences that one command accounts for if a task has missed many. */
const MAX_OCCURRENCES = 10_000;
const RETRY_MS = 200;

/**
 * Wakes exactly when the next occurrence has to be dispatched. Keeps only tasks that are due within the look-ahead,
 * found through the index on `next_run_at`, so that neither start-up time nor memory grows with the number of tasks.
 */
export function createDueLoop(options: DueLoopOptions): DueLoop {
  const { commandHandler, clock, log, lookAheadMs, aheadMs, onLoaded, pageSize = PAGE_SIZE } = options;
  const tasks = new KeptTasks({ memory: commandHandler, aheadMs });
  const { planned } = tasks;
  const inFlight = new Set<Promise<void>>();
  const future = createNearFuture({
    tasks: options.tasks,
    clock,
    log,
    lookAheadMs,
    pageSize,
    hasRoom: () => planned.size < MAX_TASKS,
    onPage: addPage,
    onIdle: setTimer,
  });
  /** Nothing is dispatched before this instant, because the bus has not accepted the earlier events. */
  let pausedUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = true;

  function setTimer(): void {
    clearTimeout(timer);
    if (isStopped || inFlight.size >= MAX_IN_FLIGHT) return;
    const loadAt = future.loadAt();
    const next = Math.max(pausedUntil, Math.min(planned.firstAt() ?? loadAt, loadAt));
    timer = setTimeout(wake, Math.max(0, next - clock.now()));
  }

  function wake(): void {
    const now = clock.now();
    if (commandHandler.hasRoom()) dispatchAllDue(now);
    else pausedUntil = now + RETRY_MS;
    if (now >= future.loadAt()) future.loadNext();
    setTimer();
  }

  function dispatchAllDue(now: number): void {
    while (inFlight.size < MAX_IN_FLIGHT) {
      const task = planned.takeDue(now);
      if (!task) return;
      dispatch(task, now);
    }
  }

  function dispatch(task: PlannedTask, now: number): void {
    const { taskId } = task;
    const command = { type: "dispatchDue", taskId, now, aheadMs, limit: MAX_OCCURRENCES } as const;
    const handled = commandHandler.handle(command).then(
      ({ after, version, hasMoved }) => {
        // A task that has changed was planned again already. The others are retried a little later.
        if (!hasMoved) plan(taskId, { task: after, version }, { isRetry: true });
      },
      (error: unknown) => {
        const fields = { taskId, reason: errorMessage(error) };
        if (isRetryable(error)) log.debug(fields, "a task could not be dispatched; trying again");
        else log.error(fields, "a task could not be dispatched; trying again");
        if (!isStopped && planned.planAgain(task, clock.now() + RETRY_MS)) setTimer();
      },
    );
    const tracked = handled.finally(() => {
      inFlight.delete(tracked);
      if (inFlight.size === MAX_IN_FLIGHT - 1) setTimer();
    });
    inFlight.add(tracked);
  }

  function plan(taskId: string, state: VersionedTask, { isRetry = false } = {}): void {
    if (isStopped) return;
    const loadedUntil = future.loadedUntil();
    if (tasks.update(taskId, state, { loadedUntil, now: clock.now(), isRetry })) setTimer();
  }

  async function addPage({ states, changed }: LoadedPage): Promise<void> {
    for (const { task } of states)
      if (!isValid(task))
        log.error({ taskId: task.taskId }, "a task's trigger is invalid, so it does not run");
    // These were planned while less of the future was loaded.
    for (const [taskId, state] of changed) if (!planned.get(taskId)) plan(taskId, state);
    const added = states.filter(({ task: { taskId } }) => !planned.get(taskId) && !changed.has(taskId));
    const withRuns = added.filter(({ task }) => task.openRuns.length > 0);
    for (const state of added) if (state.task.openRuns.length === 0) plan(state.task.taskId, state);
    if (withRuns.length === 0) return;
    for (const state of withRuns) commandHandler.keep(state.task.taskId, state);
    await onLoaded(withRuns.map(({ task }) => task));
    for (const state of withRuns) if (!changed.has(state.task.taskId)) plan(state.task.taskId, state);
  }

  return {
    async start() {
      isStopped = false;
      await future.start();
    },

    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await future.idle();
      await Promise.all(inFlight);
      tasks.releaseAll();
    },

    stateChanged(taskId, state) {
      future.stateChanged(taskId, state);
      plan(taskId, state);
    },

    runEnded(taskId) {
      const task = planned.get(taskId);
      const now = clock.now();
      if (isStopped || !task || task.nextRunAt - aheadMs > now || inFlight.size >= MAX_IN_FLIGHT) return;
      if (!commandHandler.hasRoom()) return;
      planned.take(task);
      dispatch(task, now);
    },
  };
}

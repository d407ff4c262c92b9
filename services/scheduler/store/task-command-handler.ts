import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../../shared/clock.ts";
import type { CommandRef } from "../../../shared/contracts/command.ts";
import type { Causation } from "../../../shared/contracts/event.ts";
import { errorType } from "../../../shared/errors.ts";
import { createCommandHandler } from "../../../shared/event-store/command-handler.ts";
import type { CommandFence, RejectedBatch } from "../../../shared/event-store/command-handler-options.ts";
import type { CommandOutcomes } from "../../../shared/event-store/command-outcomes.ts";
import type { Decision, Versioned } from "../../../shared/event-store/decide-batch.ts";
import { type EventStore, OutboxFull, OutcomePending } from "../../../shared/event-store/event-store.ts";
import { type Fence, Fenced } from "../leadership/mongo-fence.ts";
import { type AwaitRetry, type TaskCommand, task } from "../task/task.ts";
import type { TaskFact } from "../task/task-evolution.ts";
import type { Task, TaskRuns } from "../task/task-state.ts";
import type { TaskStore, VersionedTask } from "./mongo-tasks.ts";

/** Who caused a command, and which command it is. A command without a `ref` is decided once for each call. */
export interface CommandSource {
  readonly cause?: Causation;
  readonly ref?: CommandRef | null;
}

export interface RunOfTask {
  readonly taskId: string;
  readonly runId: string;
}

export type Handled = Decision<Task, TaskFact>;

/**
 * Changes tasks: the command handler of the event store, with remembered outcomes, states kept in memory and a fence. A
 * change is stored only while the epoch under which it was decided is the newest one. Ends of runs are decided before
 * the commands of the same batch, so that no occurrence is skipped because of a run that is over.
 */
export interface TaskCommandHandler {
  /** Decides commands under this epoch, whose fence is raised. */
  open(epoch: number): void;
  /** Rejects everything with `SCHEDULER_FENCED` and drops the states kept in memory. */
  close(): void;
  /**
   * A command with the `ref` of an earlier one has the outcome of that one.
   *
   * @throws the decider's errors, for this command alone; `COMMAND_LATE`, `SCHEDULER_FENCED`, `STORE_UNAVAILABLE`,
   * `OUTBOX_FULL`, `STREAM_CONFLICT`
   */
  handle(command: TaskCommand, source?: CommandSource): Promise<Handled>;
  /** False while commands would be rejected with `OUTBOX_FULL`. */
  hasRoom(): boolean;
  /**
   * Removes an ended run from the open runs of its task, also while the outbox is full. Nothing happens if it is not
   * open.
   */
  endRun(run: RunOfTask): Promise<Handled>;
  /** Notes that a run waits for its next attempt, also while the outbox is full. */
  awaitRetry(retry: Omit<AwaitRetry, "type">): Promise<Handled>;
  /** The current state, from memory or the store. */
  state(taskId: string): Promise<Task>;
  /**
   * The tasks' runs as stored at the time of the call or later, by any scheduler; unknown tasks are left out.
   *
   * @throws `STORE_UNAVAILABLE`
   */
  currentRuns(taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskRuns>>;
  /** Keeps a task's state in memory until `release` is called. */
  keep(taskId: string, state: VersionedTask): void;
  release(taskId: string): void;
  /** The states kept in memory. */
  kept(): Iterable<Task>;
}

export interface TaskCommandHandlerOptions {
  readonly store: EventStore;
  readonly tasks: TaskStore;
  readonly commands: CommandOutcomes;
  readonly fence: Fence;
  readonly clock: Clock;
  /** Tasks of one transaction. */
  readonly maxBatch: number;
  /** Called after the commit, in order, for every task whose state has changed. */
  readonly onMoved: (taskId: string, state: VersionedTask) => void;
  /** Called when a change was rejected because another scheduler has taken over. */
  readonly onFenced: (epoch: number) => void;
}

const LOAD_AGAIN_MS = 200;

export function createTaskCommandHandler(options: TaskCommandHandlerOptions): TaskCommandHandler {
  const { store, tasks, commands, clock, maxBatch, onMoved, onFenced } = options;
  const cache = new Map<string, Versioned<Task>>();
  const fence = epochFence(options.fence);
  const handler = createCommandHandler<Task, TaskCommand, TaskFact>({
    store,
    decider: task,
    stream: "task",
    states: { load: loadStates, write: tasks.write },
    clock,
    maxBatch,
    reads: "before",
    destinationOf: ({ type }) => (type === "runRemoved" || type === "runWaits" ? "fold" : "append"),
    mayAppend: ({ type }) => type !== "endRun" && type !== "awaitRetry",
    fence,
    outcomes: commands,
    cache,
    onMoved: (taskId, { state, version }) => onMoved(taskId, { task: state, version }),
    onRejected,
  });

  async function loadStates(taskIds: readonly string[]): Promise<Map<string, Versioned<Task>>> {
    const found = await tasks.load(taskIds);
    return new Map([...found].map(([id, { task: state, version }]) => [id, { state, version }]));
  }

  async function onRejected({ error, ids, epoch }: RejectedBatch): Promise<void> {
    const type = errorType(error);
    if (type === "SCHEDULER_FENCED" && epoch !== null) onFenced(epoch);
    if (type === "STORE_UNAVAILABLE") await waitForOutcome({ error, ids, epoch });
  }

  /**
   * After a transaction whose outcome is unknown no command on its tasks is decided until it has ended and they have
   * been loaded: its change must be seen, and it must not be committed after a later decision.
   */
  async function waitForOutcome({ error, ids, epoch }: RejectedBatch): Promise<void> {
    if (error instanceof OutcomePending) await error.ended;
    while (epoch !== null && fence.current() === epoch) {
      try {
        const states = await tasks.load(ids);
        for (const taskId of ids) onMoved(taskId, states.get(taskId) ?? UNKNOWN);
        return;
      } catch {
        // Still unavailable. Commands that wait for this are rejected at their own time limit.
        await delay(LOAD_AGAIN_MS);
      }
    }
  }

  /** A state in memory is current unless another scheduler has taken over. */
  async function currentRuns(taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskRuns>> {
    const epoch = fence.current();
    const states = new Map<string, TaskRuns>();
    if (epoch !== null)
      for (const taskId of taskIds) {
        const cached = cache.get(taskId);
        if (cached) states.set(taskId, cached.state);
      }
    const isCached = states.size > 0;
    const absent = taskIds.filter((taskId) => !states.has(taskId));
    if (absent.length > 0) for (const [taskId, runs] of await tasks.runs(absent)) states.set(taskId, runs);
    if (epoch === null || !isCached) return states;
    try {
      await fence.check(epoch);
      return states;
    } catch (error) {
      if (errorType(error) !== "SCHEDULER_FENCED") throw error;
      onFenced(epoch);
      return tasks.runs(taskIds);
    }
  }

  return {
    open(epoch) {
      cache.clear();
      fence.open(epoch);
    },
    close() {
      fence.close();
      cache.clear();
    },
    handle: async (command, { cause, ref = null } = {}) => {
      if (!store.hasRoom()) throw new OutboxFull();
      const startsStream = command.type === "create";
      return handler.handle({ id: command.taskId, command, cause, ref, startsStream });
    },
    hasRoom: store.hasRoom,
    endRun: ({ taskId, runId }) => handler.handle({ id: taskId, command: { type: "endRun", taskId, runId } }),
    awaitRetry: (retry) => handler.handle({ id: retry.taskId, command: { type: "awaitRetry", ...retry } }),
    async state(taskId) {
      const cached = cache.get(taskId);
      return cached ? cached.state : ((await tasks.load([taskId])).get(taskId)?.task ?? task.initialState);
    },
    currentRuns,
    keep: (taskId, { task: state, version }) => void cache.set(taskId, { state, version }),
    release: (taskId) => void cache.delete(taskId),
    *kept() {
      for (const { state } of cache.values()) yield state;
    },
  };
}

/** A task that is not stored. */
const UNKNOWN: VersionedTask = { task: task.initialState, version: 0 };

interface EpochFence extends CommandFence<TaskCommand> {
  open(epoch: number): void;
  close(): void;
  /** Null while commands are rejected. */
  current(): number | null;
}

/** The fence of the epoch that commands are decided under. */
function epochFence({ hold, check }: Fence): EpochFence {
  let current: number | null = null;
  return {
    open(epoch) {
      current = epoch;
    },
    close() {
      current = null;
    },
    current: () => current,
    epoch() {
      if (current === null) throw new Fenced();
      return current;
    },
    hold,
    check,
    // The due loop dispatches an occurrence again if nothing came of it.
    isRelevant: ({ type }) => type !== "dispatchDue" && type !== "dispatchRetry",
  };
}

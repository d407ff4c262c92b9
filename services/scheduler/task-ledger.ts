import type { Causation } from "../../shared/contracts/event.ts";
import type { RunEnded } from "../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { errorType, isRetryable } from "../../shared/errors.ts";
import { createBatchLanes, type LaneItem } from "../../shared/event-store/batch-lanes.ts";
import { type EventStore, OutboxFull } from "../../shared/event-store/event-store.ts";
import type { TaskStore, VersionedTask } from "./mongo-tasks.ts";
import { task as decider, type TaskCommand } from "./task.ts";
import type { Task } from "./task-state.ts";

export interface Handled {
  readonly before: Task;
  readonly after: Task;
  /** Number of events on the stream after it. */
  readonly version: number;
  readonly events: readonly TaskEvent[];
  /** Something in its transaction has moved the task, before it or after it: `after` may be past already. */
  readonly hasMoved: boolean;
}

/**
 * The one way in which tasks change: load, decide, append and project in one transaction. Whatever arrives while a
 * transaction is under way goes into the next one together, so that a thousand tasks due at once cost two or three.
 * Commands on one task are decided in the order of their arrival.
 */
export interface TaskLedger {
  /** Errors: those of the decider, for this command alone; `STORE_UNAVAILABLE`, `OUTBOX_FULL`, `STREAM_CONFLICT`. */
  handle(command: TaskCommand, cause?: Causation): Promise<Handled>;
  /** False while commands would be refused with `OUTBOX_FULL`. */
  hasRoom(): boolean;
  /** Takes note that a run has ended; does nothing where that is known. */
  observe(event: RunEnded): Promise<Handled>;
  /** The current state, from memory or the store. */
  state(taskId: string): Promise<Task>;
  /** Keeps a task's state in memory; what is kept must be forgotten. */
  remember(taskId: string, state: VersionedTask): void;
  forget(taskId: string): void;
  forgetAll(): void;
}

export interface TaskLedgerOptions {
  readonly store: EventStore;
  readonly tasks: TaskStore;
  /** Tasks of one transaction. */
  readonly maxBatch: number;
  /** Called for every task whose state has moved, in order, after the commit. */
  readonly onMoved: (taskId: string, state: VersionedTask) => void;
}

interface Item extends LaneItem {
  readonly taskId: string;
  readonly input: { command: TaskCommand } | { event: RunEnded };
  readonly cause: Causation | undefined;
  readonly resolve: (handled: Handled) => void;
  readonly reject: (error: unknown) => void;
}

interface Step {
  readonly taskId: string;
  readonly base: VersionedTask;
  after: Task;
  readonly appends: { events: TaskEvent[]; cause: Causation | undefined; version: number }[];
  version: number;
  readonly done: (() => void)[];
}

const CONFLICT_TRIES = 5;
/** While one transaction waits for the store, the next one is prepared. */
const LANES = 2;

export function createTaskLedger({ store, tasks, maxBatch, onMoved }: TaskLedgerOptions): TaskLedger {
  const known = new Map<string, VersionedTask>();
  const lanes = createBatchLanes<Item>({ lanes: LANES, maxKeys: maxBatch, work: settle });

  function enqueue(item: Omit<Item, "keys" | "resolve" | "reject">): Promise<Handled> {
    return new Promise((resolve, reject) => lanes.add({ ...item, keys: [item.taskId], resolve, reject }));
  }

  /**
   * A batch that keeps conflicting, or of which one task cannot be read, is settled item by item, so that one cannot
   * hold up the others. Where the bus takes no more events, the ends of runs, which append none, go on alone.
   */
  async function settle(batch: readonly Item[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await commit(batch, tries);
      } catch (error) {
        for (const { taskId } of batch) known.delete(taskId);
        if (errorType(error) === "OUTBOX_FULL") {
          for (const { input, reject } of batch) if ("command" in input) reject(error);
          const ends = batch.filter(({ input }) => "event" in input);
          return ends.length > 0 ? settle(ends) : undefined;
        }
        const isConflict = errorType(error) === "STREAM_CONFLICT";
        if (isConflict && tries < CONFLICT_TRIES) continue;
        if (batch.length > 1 && (isConflict || !isRetryable(error))) {
          for (const item of batch) await settle([item]);
          return;
        }
        for (const { reject } of batch) reject(error);
        return;
      }
    }
  }

  async function commit(batch: readonly Item[], tries: number): Promise<void> {
    const steps = decideAll(batch, await loadAll(batch, tries));
    const moved = steps.filter(({ after, base }) => after !== base.task);
    if (moved.length > 0) {
      await store.transact(async (transaction) => {
        for (const { taskId, appends } of moved) {
          for (const { events, cause, version } of appends) {
            transaction.append({ stream: `task-${taskId}`, expectedVersion: version, events, cause });
          }
        }
        const changes = moved.map(({ taskId, base, after, version, appends }) => ({
          taskId,
          before: base.task,
          after,
          version,
          hasEvents: appends.length > 0,
        }));
        await tasks.write(transaction.session, changes);
      });
    }
    for (const { taskId, after, version } of moved) {
      const state = { task: after, version };
      if (known.has(taskId)) known.set(taskId, state);
      onMoved(taskId, state);
    }
    for (const { done } of steps) for (const resolve of done) resolve();
  }

  /** A task to be created is looked for only when its stream turned out to exist. */
  async function loadAll(batch: readonly Item[], tries: number): Promise<Map<string, VersionedTask>> {
    const states = new Map<string, VersionedTask>();
    const absent = new Set<string>();
    for (const { taskId, input } of batch) {
      const state = known.get(taskId);
      if (state) states.set(taskId, state);
      else if (tries > 1 || !("command" in input && input.command.type === "create")) absent.add(taskId);
    }
    if (absent.size > 0)
      for (const [taskId, state] of await tasks.load([...absent])) states.set(taskId, state);
    return states;
  }

  return {
    handle: async (command, cause) => {
      if (!store.hasRoom()) throw new OutboxFull();
      return enqueue({ taskId: command.taskId, input: { command }, cause });
    },
    hasRoom: store.hasRoom,
    observe: (event) => enqueue({ taskId: event.data.taskId, input: { event }, cause: undefined }),
    async state(taskId) {
      const state = known.get(taskId) ?? (await tasks.load([taskId])).get(taskId);
      return state?.task ?? decider.initialState;
    },
    remember: (taskId, state) => void known.set(taskId, state),
    forget: (taskId) => void known.delete(taskId),
    forgetAll: () => known.clear(),
  };
}

const UNKNOWN: VersionedTask = { task: decider.initialState, version: 0 };

/** Decides a batch in order; a command that breaks a rule is refused alone and leaves no mark. */
function decideAll(batch: readonly Item[], states: ReadonlyMap<string, VersionedTask>): Step[] {
  const steps = new Map<string, Step>();
  for (const item of batch) {
    let step = steps.get(item.taskId);
    if (!step) {
      const base = states.get(item.taskId) ?? UNKNOWN;
      step = {
        taskId: item.taskId,
        base,
        after: base.task,
        version: base.version,
        appends: [],
        done: [],
      };
      steps.set(item.taskId, step);
    }
    try {
      take(item, step);
    } catch (error) {
      item.reject(error);
    }
  }
  return [...steps.values()];
}

function take({ input, cause, resolve }: Item, step: Step): void {
  const before = step.after;
  const events = "command" in input ? decider.decide(input.command, before) : [];
  const observed = "command" in input ? events : [input.event];
  const after = observed.reduce<Task>(decider.evolve, before);
  if (events.length > 0) step.appends.push({ events: [...events], cause, version: step.version });
  step.version += events.length;
  step.after = after;
  const { version } = step;
  step.done.push(() => resolve({ before, after, version, events, hasMoved: step.after !== step.base.task }));
}

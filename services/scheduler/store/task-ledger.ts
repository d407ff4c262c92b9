import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../../shared/clock.ts";
import { CommandLate, type CommandRef } from "../../../shared/contracts/command.ts";
import type { Causation } from "../../../shared/contracts/event.ts";
import type { RunEnded } from "../../../shared/contracts/run-events.ts";
import { errorType, isRetryable } from "../../../shared/errors.ts";
import { createBatchLanes } from "../../../shared/event-store/batch-lanes.ts";
import {
  type EventStore,
  OutboxFull,
  OutcomePending,
  type Transaction,
} from "../../../shared/event-store/event-store.ts";
import { type Fence, Fenced } from "../leadership/mongo-fence.ts";
import { task as decider, type TaskCommand } from "../task/task.ts";
import type { Task, TaskRuns } from "../task/task-state.ts";
import type { CommandLog, CommandOutcome } from "./mongo-commands.ts";
import type { TaskStore, VersionedTask } from "./mongo-tasks.ts";
import { decideBatch, type Handled, isEnd, type LedgerItem, type TaskStep, UNKNOWN } from "./task-batch.ts";

/** Who caused a command, and which command it is. A command without a `ref` is decided once for each call. */
export interface CommandSource {
  readonly cause?: Causation;
  readonly ref?: CommandRef | null;
}

/**
 * The one way in which tasks change: load, decide, append and project in one transaction. Whatever arrives while a
 * transaction is under way goes into the next one together, so that a thousand tasks due at once cost two or three.
 * Commands on one task are decided in the order of their arrival, ends of its runs before them.
 *
 * Every change is fenced: it is stored only while the epoch under which it was decided is the newest one.
 */
export interface TaskLedger {
  /** From here on commands are decided under this epoch, whose fence is raised. */
  open(epoch: number): void;
  /** From here on everything is refused with `SCHEDULER_FENCED`; what was kept in memory is forgotten. */
  close(): void;
  /**
   * Errors: those of the decider, for this command alone; `COMMAND_LATE`, `SCHEDULER_FENCED`, `STORE_UNAVAILABLE`,
   * `OUTBOX_FULL`, `STREAM_CONFLICT`. A command that is known by its `ref` has its first outcome again.
   */
  handle(command: TaskCommand, source?: CommandSource): Promise<Handled>;
  /** False while commands would be refused with `OUTBOX_FULL`. */
  hasRoom(): boolean;
  /** Takes note that a run has ended; does nothing where that is known. */
  observe(event: RunEnded): Promise<Handled>;
  /** The current state, from memory or the store. */
  state(taskId: string): Promise<Task>;
  /**
   * The tasks' runs as stored at the time of the call or later, whichever scheduler has written them; unknown tasks are
   * left out. Error: `STORE_UNAVAILABLE`.
   */
  currentRuns(taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskRuns>>;
  /** Keeps a task's state in memory; what is kept must be forgotten. */
  remember(taskId: string, state: VersionedTask): void;
  forget(taskId: string): void;
  /** What is kept. */
  remembered(): Iterable<Task>;
}

export interface TaskLedgerOptions {
  readonly store: EventStore;
  readonly tasks: TaskStore;
  readonly commands: CommandLog;
  readonly fence: Fence;
  readonly clock: Clock;
  /** Tasks of one transaction. */
  readonly maxBatch: number;
  /** Called for every task whose state has moved, in order, after the commit. */
  readonly onMoved: (taskId: string, state: VersionedTask) => void;
  /** Called when a change was refused because another scheduler has taken over. */
  readonly onFenced: (epoch: number) => void;
}

const CONFLICT_TRIES = 5;
/** While one transaction waits for the store, the next one is prepared. */
const LANES = 2;
const LOOK_AGAIN_MS = 200;

/** The deadline of a command passed while its transaction was tried again: the batch is decided anew, without it. */
class DeadlinePassed extends Error {}

export function createTaskLedger(options: TaskLedgerOptions): TaskLedger {
  const { store, tasks, commands, fence, clock, maxBatch, onMoved, onFenced } = options;
  const known = new Map<string, VersionedTask>();
  const lanes = createBatchLanes<LedgerItem>({ lanes: LANES, maxKeys: maxBatch, work: settle });
  let epoch: number | null = null;

  function enqueue(item: Omit<LedgerItem, "keys" | "resolve" | "reject">): Promise<Handled> {
    return new Promise((resolve, reject) => lanes.add({ ...item, keys: [item.taskId], resolve, reject }));
  }

  /**
   * A batch that keeps conflicting, or of which one task cannot be read, is settled item by item, so that one cannot
   * hold up the others. Where the bus takes no more events, the ends of runs, which append none, go on alone.
   */
  async function settle(batch: readonly LedgerItem[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const decidedUnder = epoch;
      try {
        return await commit(batch, tries);
      } catch (error) {
        for (const { taskId } of batch) known.delete(taskId);
        const type = errorType(error);
        if (type === "OUTBOX_FULL") {
          const ends = batch.filter(isEnd);
          for (const item of batch) if (!isEnd(item)) item.reject(error);
          return ends.length > 0 ? settle(ends) : undefined;
        }
        if (error instanceof DeadlinePassed) continue;
        const isConflict = type === "STREAM_CONFLICT";
        if (isConflict && tries < CONFLICT_TRIES) continue;
        if (batch.length > 1 && (isConflict || !isRetryable(error))) {
          for (const item of batch) await settle([item]);
          return;
        }
        for (const { reject } of batch) reject(error);
        if (type === "SCHEDULER_FENCED" && decidedUnder !== null) onFenced(decidedUnder);
        if (type === "STORE_UNAVAILABLE") await outcomeKnown(batch, error, decidedUnder);
        return;
      }
    }
  }

  /**
   * After a transaction whose outcome is unknown nothing else is decided on its tasks until it has ended and they have
   * been read: what it may have changed must not be missed, and must not come after what is decided next.
   */
  async function outcomeKnown(
    batch: readonly LedgerItem[],
    error: unknown,
    decidedUnder: number | null,
  ): Promise<void> {
    if (error instanceof OutcomePending) await error.ended;
    const taskIds = [...new Set(batch.map(({ taskId }) => taskId))];
    while (epoch !== null && epoch === decidedUnder) {
      try {
        const states = await tasks.load(taskIds);
        for (const taskId of taskIds) onMoved(taskId, states.get(taskId) ?? UNKNOWN);
        return;
      } catch {
        // Still away; every command that waits for this is answered by its own time limit.
        await delay(LOOK_AGAIN_MS);
      }
    }
  }

  async function commit(batch: readonly LedgerItem[], tries: number): Promise<void> {
    const decidedUnder = epoch;
    if (decidedUnder === null) throw new Fenced();
    const timely = refuseLate(batch);
    const ids = timely.flatMap(({ ref }) => ref?.id ?? []);
    const [states, outcomes] = await Promise.all([
      loadAll(timely, tries),
      ids.length > 0 ? commands.find(ids) : NO_OUTCOMES,
    ]);
    const steps = decideBatch(timely, states, outcomes);
    const changed = steps.filter(({ after, base, recorded }) => after !== base.task || recorded.length > 0);
    if (changed.length > 0) {
      const deadline = Math.min(...timely.map(({ ref }) => ref?.deadline ?? Number.POSITIVE_INFINITY));
      await store.transact(async (transaction) => {
        if (clock.now() > deadline) throw new DeadlinePassed();
        await fence.hold(transaction, decidedUnder);
        await write(transaction, changed);
      });
    } else if (timely.some(isAnswered)) {
      await fence.check(decidedUnder);
    }
    for (const { taskId, base, after, version, isRepeated } of steps) {
      if (after === base.task && !isRepeated) continue;
      const state = { task: after, version };
      if (known.has(taskId)) known.set(taskId, state);
      onMoved(taskId, state);
    }
    for (const { done } of steps) for (const answer of done) answer();
  }

  /** Rejects the commands that came too late; returns the others. */
  function refuseLate(batch: readonly LedgerItem[]): readonly LedgerItem[] {
    const now = clock.now();
    const isLate = ({ ref }: LedgerItem) => ref !== null && now > ref.deadline;
    if (!batch.some(isLate)) return batch;
    return batch.filter((item) => {
      if (isLate(item)) item.reject(new CommandLate());
      return !isLate(item);
    });
  }

  async function write(transaction: Transaction, steps: readonly TaskStep[]): Promise<void> {
    for (const { taskId, appends } of steps) {
      for (const { events, cause, version } of appends) {
        transaction.append({ stream: `task-${taskId}`, expectedVersion: version, events, cause });
      }
    }
    const changes = steps
      .filter(({ after, base }) => after !== base.task)
      .map(({ taskId, base, after, version, appends }) => ({
        taskId,
        before: base.task,
        after,
        version,
        hasEvents: appends.length > 0,
      }));
    await tasks.write(transaction.session, changes);
    await commands.write(
      transaction.session,
      steps.flatMap(({ recorded }) => recorded),
    );
  }

  /** A task to be created is looked for only when its stream turned out to exist. */
  async function loadAll(batch: readonly LedgerItem[], tries: number): Promise<Map<string, VersionedTask>> {
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

  /** What is in memory is current where no other scheduler has taken over by now. */
  async function currentRuns(taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskRuns>> {
    const heldUnder = epoch;
    const remembered = heldUnder === null ? [] : taskIds.filter((taskId) => known.has(taskId));
    const states = new Map<string, TaskRuns>(
      remembered.map((taskId) => [taskId, known.get(taskId)?.task as Task]),
    );
    const absent = taskIds.filter((taskId) => !states.has(taskId));
    if (absent.length > 0) for (const [taskId, runs] of await tasks.runs(absent)) states.set(taskId, runs);
    if (heldUnder === null || remembered.length === 0) return states;
    try {
      await fence.check(heldUnder);
      return states;
    } catch (error) {
      if (errorType(error) !== "SCHEDULER_FENCED") throw error;
      onFenced(heldUnder);
      return tasks.runs(taskIds);
    }
  }

  return {
    open(newest) {
      known.clear();
      epoch = newest;
    },
    close() {
      epoch = null;
      known.clear();
    },
    handle: async (command, { cause, ref = null } = {}) => {
      if (!store.hasRoom()) throw new OutboxFull();
      return enqueue({ taskId: command.taskId, input: { command }, cause, ref });
    },
    hasRoom: store.hasRoom,
    observe: (event) => enqueue({ taskId: event.data.taskId, input: { event }, cause: undefined, ref: null }),
    async state(taskId) {
      const state = known.get(taskId) ?? (await tasks.load([taskId])).get(taskId);
      return state?.task ?? decider.initialState;
    },
    currentRuns,
    remember: (taskId, state) => void known.set(taskId, state),
    forget: (taskId) => void known.delete(taskId),
    *remembered() {
      for (const { task } of known.values()) yield task;
    },
  };
}

const NO_OUTCOMES: ReadonlyMap<string, CommandOutcome> = new Map();

/** Whoever waits for it relies on the answer, also where nothing had to be changed. A due task is looked at again. */
function isAnswered({ input }: LedgerItem): boolean {
  return !("command" in input && input.command.type === "fire");
}

import type { CommandRef } from "../../../shared/contracts/command.ts";
import type { Causation } from "../../../shared/contracts/event.ts";
import type { RunEnded } from "../../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { AppError } from "../../../shared/errors.ts";
import type { LaneItem } from "../../../shared/event-store/batch-lanes.ts";
import { task as decider, type TaskCommand } from "../task/task.ts";
import type { Task } from "../task/task-state.ts";
import type { CommandOutcome } from "./mongo-commands.ts";
import type { VersionedTask } from "./mongo-tasks.ts";

export interface Handled {
  readonly before: Task;
  readonly after: Task;
  /** Number of events on the stream after it. */
  readonly version: number;
  readonly events: readonly TaskEvent[];
  /** Whether the command changed its task: now, or when it came for the first time. */
  readonly changed: boolean;
  /** Something in its transaction has moved the task, before it or after it: `after` may be past already. */
  readonly hasMoved: boolean;
}

/** A command, or the end of a run, that waits for its transaction. */
export interface LedgerItem extends LaneItem {
  readonly taskId: string;
  readonly input: { readonly command: TaskCommand } | { readonly event: RunEnded };
  readonly cause: Causation | undefined;
  readonly ref: CommandRef | null;
  readonly resolve: (handled: Handled) => void;
  readonly reject: (error: unknown) => void;
}

/** What one transaction does to one task. */
export interface TaskStep {
  readonly taskId: string;
  readonly base: VersionedTask;
  after: Task;
  version: number;
  readonly appends: { events: TaskEvent[]; cause: Causation | undefined; version: number }[];
  /** Commands to be remembered. */
  readonly recorded: CommandOutcome[];
  /** A command came again: its first outcome may not have been seen here. */
  isRepeated: boolean;
  /** Answers to those who wait; to be called after the commit. */
  readonly done: (() => void)[];
}

/**
 * Decides a batch: first the ends of runs, so that an occurrence that came due before an end was noted is not skipped for
 * a run that is over; then the commands, in order. A command that breaks a rule is refused alone and leaves no mark on
 * its task.
 */
export function decideBatch(
  batch: readonly LedgerItem[],
  states: ReadonlyMap<string, VersionedTask>,
  outcomes: ReadonlyMap<string, CommandOutcome>,
): TaskStep[] {
  const steps = new Map<string, TaskStep>();
  for (const item of [...batch.filter(isEnd), ...batch.filter((item) => !isEnd(item))]) {
    let step = steps.get(item.taskId);
    if (!step) {
      step = stepFrom(item.taskId, states.get(item.taskId) ?? UNKNOWN);
      steps.set(item.taskId, step);
    }
    const { ref } = item;
    const outcome =
      ref && (outcomes.get(ref.id) ?? step.recorded.find(({ commandId }) => commandId === ref.id));
    if (outcome) repeat(item, step, outcome);
    else decide(item, step);
  }
  return [...steps.values()];
}

export const isEnd = ({ input }: LedgerItem): boolean => "event" in input;

/** A task of which nothing is stored. */
export const UNKNOWN: VersionedTask = { task: decider.initialState, version: 0 };

function stepFrom(taskId: string, base: VersionedTask): TaskStep {
  const { task, version } = base;
  return { taskId, base, after: task, version, appends: [], recorded: [], isRepeated: false, done: [] };
}

function repeat({ resolve, reject }: LedgerItem, step: TaskStep, { changed, refusal }: CommandOutcome): void {
  step.isRepeated = true;
  const { after, version } = step;
  step.done.push(() => {
    if (refusal) reject(refusal);
    else resolve({ before: after, after, version, events: [], changed, hasMoved: true });
  });
}

function decide(item: LedgerItem, step: TaskStep): void {
  try {
    take(item, step);
  } catch (error) {
    step.done.push(() => item.reject(error));
    if (error instanceof AppError && step.after.status !== "none") record(item, step, false, error);
  }
}

function take(item: LedgerItem, step: TaskStep): void {
  const { input, cause, resolve } = item;
  const before = step.after;
  const events = "command" in input ? decider.decide(input.command, before) : [];
  const observed = "command" in input ? events : [input.event];
  const after = observed.reduce<Task>(decider.evolve, before);
  if (events.length > 0) step.appends.push({ events: [...events], cause, version: step.version });
  step.version += events.length;
  step.after = after;
  const changed = events.length > 0;
  record(item, step, changed, null);
  const { version } = step;
  step.done.push(() =>
    resolve({ before, after, version, events, changed, hasMoved: step.after !== step.base.task }),
  );
}

function record({ ref }: LedgerItem, step: TaskStep, changed: boolean, refusal: AppError | null): void {
  if (!ref) return;
  const { taskId } = step;
  step.recorded.push({ commandId: ref.id, taskId, changed, refusal, deadline: ref.deadline });
}

import type { Clock } from "../../../shared/clock.ts";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import { type Caller, call } from "../../../shared/service.ts";
import type { TaskStore } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { triggerIfValid } from "../task/definition.ts";
import { type DefinedTask, isDefined, isWithdrawn, openRunOf, type Task } from "../task/task-state.ts";
import { countOccurrences } from "../trigger/trigger.ts";
import type { RunCancellation } from "./cancellation.ts";
import { type EndedRuns, type TaskRun, taskRunsOf, tasksWithOpenRuns } from "./ended-runs.ts";

export interface RunWatchOptions {
  readonly commandHandler: Pick<TaskCommandHandler, "kept">;
  readonly endedRuns: Pick<EndedRuns, "remove" | "reconcile">;
  readonly cancellation: Pick<RunCancellation, "carryOut" | "endWaiting">;
  readonly tasks: Pick<TaskStore, "withOpenRuns">;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly log: Log;
  /** Only the active scheduler watches: the others have no tasks in memory and must not change any. */
  readonly isActive: () => boolean;
}

/** An active task that skips every occurrence, and the run that it waits for. */
export interface SkippingTask {
  readonly taskId: string;
  readonly name: string;
  readonly runId: string;
  /** Where the run is; null while that is unknown. */
  readonly place: RunPlace | null;
}

/**
 * Locates runs that have been open for long, so that a lost run does not block its task, and ends cancelled runs that the
 * command itself could not end.
 */
export interface RunWatch extends PeriodicJob {
  /** Tasks that have skipped several occurrences because of a run that no executor has. */
  skipping(): readonly SkippingTask[];
}

interface WatchedRun extends TaskRun {
  readonly task: DefinedTask;
}
interface Location {
  readonly place: RunPlace | null;
  /** When to locate the run again. */
  readonly validUntil: number;
}

const EVERY_MS = 5000;
/** A run is located when it has been open for this long after its planned time, then each time this has doubled. */
const OPEN_MS = 10_000;
const MAX_PAUSE_MS = 300_000;
/** Tasks that are not in memory, because they are not due soon, are read at the start and then at this interval. */
const READ_EVERY_MS = 600_000;
const READ_LIMIT = 10_000;
const CHUNK = 1000;
const LOCATE_TIMEOUT_MS = 10_000;
/** By then a cancelled run has ended if an executor had it. */
const CANCELLED_MS = 3000;
/** Cancelled runs that are ended at a time. */
const CANCELLED_MAX = 100;
/** Consecutive skips after which a task counts as one that skips every occurrence. */
const SKIPS = 3;

export function createRunWatch(options: RunWatchOptions): RunWatch {
  const { commandHandler, endedRuns, cancellation, tasks, caller, clock, log, isActive } = options;
  const locations = new Map<string, Location>();
  let skipping: ReadonlyMap<string, SkippingTask> = new Map();
  let readAt = 0;

  async function watch(stopping: AbortSignal): Promise<void> {
    try {
      await locateDue(stopping);
    } catch (error) {
      readAt = 0;
      throw error;
    }
  }

  async function locateDue(stopping: AbortSignal): Promise<void> {
    const now = clock.now();
    if (!isActive()) readAt = 0;
    const watched = isActive() ? await openRuns(now) : [];
    await Promise.all(watched.filter(isCancelled(now)).slice(0, CANCELLED_MAX).map(carryOut));
    // A run that waits for its next attempt is nowhere but here.
    const open = watched.filter(({ run }) => run.plannedAt <= now - OPEN_MS && run.retryAt === undefined);
    const ids = new Set(open.map(({ run }) => run.runId));
    for (const runId of locations.keys()) if (!ids.has(runId)) locations.delete(runId);
    const due = open.filter(({ run }) => (locations.get(run.runId)?.validUntil ?? 0) <= now);
    for (let from = 0; from < due.length && !stopping.aborted; from += CHUNK)
      await locate(due.slice(from, from + CHUNK), now).finally(() => updateSkipping(open, now));
    if (due.length === 0) updateSkipping(open, now);
  }

  async function openRuns(now: number): Promise<readonly WatchedRun[]> {
    const found = new Map<string, DefinedTask>();
    const add = (task: Task) => {
      if (isDefined(task) && task.openRuns.length > 0) found.set(task.taskId, task);
    };
    if (now >= readAt) {
      for await (const page of tasksWithOpenRuns(tasks, CHUNK)) {
        for (const task of page) add(task);
        if (found.size >= READ_LIMIT) break;
      }
      readAt = now + READ_EVERY_MS;
    }
    for (const task of commandHandler.kept()) add(task);
    return [...found.values()].flatMap((task) =>
      taskRunsOf(task)
        .filter(({ run }) => run.plannedAt <= now - OPEN_MS || run.cancellation || run.retryAt !== undefined)
        .map((run) => ({ ...run, task })),
    );
  }

  async function carryOut({ taskId, run }: WatchedRun): Promise<void> {
    const { runId, cancellation: request } = run;
    if (run.retryAt !== undefined) await cancellation.endWaiting(taskId, [run]);
    else if (request) await cancellation.carryOut({ taskId, runId, cancellation: request });
  }

  async function locate(runs: readonly WatchedRun[], now: number): Promise<void> {
    const ids = runs.map(({ taskId, run: { runId } }) => ({ taskId, runId }));
    for (const { run } of runs) locations.set(run.runId, { validUntil: now + EVERY_MS, place: null });
    const { places } = await call(caller, "records.locate", { runs: ids }, { timeout: LOCATE_TIMEOUT_MS });
    for (const [index, { run }] of runs.entries()) {
      const pause = Math.min(now - run.plannedAt, MAX_PAUSE_MS);
      locations.set(run.runId, { validUntil: now + pause, place: places[index] as RunPlace });
    }
    if (!isActive()) return;
    await endedRuns.remove(runs.filter((_, index) => places[index] === "ended"));
    // The scheduler that received the end of the attempt may have died before it stored it.
    await endedRuns.reconcile(runs.filter((_, index) => places[index] === "retry").map(({ task }) => task));
  }

  function updateSkipping(open: readonly WatchedRun[], now: number): void {
    const before = skipping;
    const found = open.filter(({ task, run }) => hasSkipped(task, run.plannedAt, now)).flatMap(skippingTask);
    skipping = new Map(found.map((task) => [task.taskId, task]));
    for (const [taskId, fields] of skipping)
      if (!before.has(taskId))
        log.warn(fields, "a task skips every occurrence: it waits for a run that no executor has");
  }

  function skippingTask({ taskId, task, run: { runId } }: WatchedRun): SkippingTask[] {
    const { place = null } = locations.get(runId) ?? {};
    if (place === "executor" || place === "ended" || place === "retry" || place === "lost") return [];
    return openRunOf(task, runId)?.isRevoked ? [] : [{ taskId, name: task.definition.name, runId, place }];
  }

  const job = createPeriodicJob({
    everyMs: EVERY_MS,
    work: watch,
    log,
    failure: "runs that have been open for long cannot be located yet",
  });
  return { ...job, skipping: () => [...skipping.values()] };
}

const isCancelled =
  (now: number) =>
  ({ run }: WatchedRun): boolean =>
    isWithdrawn(run) ||
    (run.cancellation !== undefined && Date.parse(run.cancellation.at) <= now - CANCELLED_MS);

/** True if a task whose runs must not overlap has had several occurrences since a run that is open. */
function hasSkipped({ status, definition, anchorAt }: DefinedTask, plannedAt: number, now: number): boolean {
  if (status !== "active" || definition.overlap !== "skip") return false;
  const trigger = triggerIfValid(definition, anchorAt);
  if (trigger === null) return false;
  return countOccurrences(trigger, { after: plannedAt, until: now, limit: SKIPS }).count >= SKIPS;
}

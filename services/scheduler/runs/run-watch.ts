import type { Clock } from "../../../shared/clock.ts";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import { type Caller, call } from "../../../shared/service.ts";
import type { OpenRunsPage, TaskStore } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { triggerIfValid } from "../task/definition.ts";
import { type DefinedTask, isDefined, runOf, type Task } from "../task/task-state.ts";
import { countOccurrences } from "../trigger/trigger.ts";
import type { TrackedRun } from "./ended-runs.ts";

export interface RunWatchOptions {
  readonly commandHandler: Pick<TaskCommandHandler, "endRun" | "remembered">;
  readonly tasks: Pick<TaskStore, "withOpenRuns">;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly log: Log;
  /** Only the active scheduler asks: the others have no tasks in memory and must change none. */
  readonly isActive: () => boolean;
}

/** An active task that only skips, and the run that it waits for. */
export interface SkippingTask {
  readonly taskId: string;
  readonly name: string;
  readonly runId: string;
  /** Where the run is; null while that cannot be found out. */
  readonly place: RunPlace | null;
}

/** Looks after runs that are open for long: none that is lost may hold up its task. */
export interface RunWatch extends PeriodicJob {
  /** Tasks that skipped several occurrences because of a run that no executor has. */
  skipping(): readonly SkippingTask[];
}

interface Watched extends TrackedRun {
  readonly task: DefinedTask;
}
interface Seen {
  readonly askAt: number;
  readonly place: RunPlace | null;
}

const EVERY_MS = 5000;
/** A run is asked about when it has been open for this long beyond its planned time, then each time that doubles. */
const OPEN_MS = 10_000;
const ASK_AGAIN_MS = 300_000;
/** Tasks that are not in memory, since they are not due soon, are read at first and then at this pace. */
const READ_EVERY_MS = 600_000;
const READ_LIMIT = 10_000;
const CHUNK = 1000;
const ASK_TIMEOUT_MS = 10_000;
/** Skipped occurrences in a row from which on a task counts as one that only skips. */
const SKIPS = 3;

export function createRunWatch(options: RunWatchOptions): RunWatch {
  const { commandHandler, tasks, caller, clock, log, isActive } = options;
  const seen = new Map<string, Seen>();
  let skipping: ReadonlyMap<string, SkippingTask> = new Map();
  let readAt = 0;

  async function look(stopping: AbortSignal): Promise<void> {
    try {
      await lookOnce(stopping);
    } catch (error) {
      readAt = 0;
      throw error;
    }
  }

  async function lookOnce(stopping: AbortSignal): Promise<void> {
    const now = clock.now();
    if (!isActive()) readAt = 0;
    const open = isActive() ? await openRuns(now) : [];
    const ids = new Set(open.map(({ run }) => run.runId));
    for (const runId of seen.keys()) if (!ids.has(runId)) seen.delete(runId);
    const due = open.filter(({ run }) => (seen.get(run.runId)?.askAt ?? 0) <= now);
    for (let from = 0; from < due.length && !stopping.aborted; from += CHUNK)
      await ask(due.slice(from, from + CHUNK), now).finally(() => noteSkipping(open, now));
    if (due.length === 0) noteSkipping(open, now);
  }

  async function openRuns(now: number): Promise<readonly Watched[]> {
    const found = new Map<string, DefinedTask>();
    const note = (task: Task) => {
      if (isDefined(task) && task.running.length > 0) found.set(task.taskId, task);
    };
    if (now >= readAt) {
      for (let after: string | null = ""; after !== null && found.size < READ_LIMIT; ) {
        const page: OpenRunsPage = await tasks.withOpenRuns(after, CHUNK);
        for (const task of page.tasks) note(task);
        after = page.last;
      }
      readAt = now + READ_EVERY_MS;
    }
    for (const task of commandHandler.remembered()) note(task);
    return [...found.values()].flatMap((task) =>
      task.running
        .filter(({ plannedAt }) => plannedAt <= now - OPEN_MS)
        .map((run) => ({ taskId: task.taskId, task, run })),
    );
  }

  async function ask(runs: readonly Watched[], now: number): Promise<void> {
    const question = runs.map(({ taskId, run: { runId } }) => ({ taskId, runId }));
    for (const { run } of runs) seen.set(run.runId, { askAt: now + EVERY_MS, place: null });
    const { places } = await call(caller, "records.locate", { runs: question }, { timeout: ASK_TIMEOUT_MS });
    for (const [index, { taskId, run }] of runs.entries()) {
      const place = places[index] as RunPlace;
      const pause = Math.min(now - run.plannedAt, ASK_AGAIN_MS);
      seen.set(run.runId, { askAt: now + pause, place });
      if (place === "ended" && isActive()) await commandHandler.endRun({ taskId, runId: run.runId });
    }
  }

  function noteSkipping(open: readonly Watched[], now: number): void {
    const before = skipping;
    const found = open.filter(({ task, run }) => isHeldUp(task, run.plannedAt, now)).flatMap(skippingTask);
    skipping = new Map(found.map((task) => [task.taskId, task]));
    for (const [taskId, fields] of skipping)
      if (!before.has(taskId)) log.warn(fields, "a task only skips: it waits for a run that no executor has");
  }

  function skippingTask({ taskId, task, run: { runId } }: Watched): SkippingTask[] {
    const { place = null } = seen.get(runId) ?? {};
    if (place === "executor" || place === "ended" || place === "lost") return [];
    return runOf(task, runId)?.isRevoked ? [] : [{ taskId, name: task.definition.name, runId, place }];
  }

  const rounds = createPeriodicJob({
    everyMs: EVERY_MS,
    work: look,
    log,
    failure: "runs that are open for long cannot be looked for yet",
  });
  return { ...rounds, skipping: () => [...skipping.values()] };
}

/** True where a task that runs one at a time has had several occurrences since a run that is open. */
function isHeldUp({ status, definition, anchorAt }: DefinedTask, plannedAt: number, now: number): boolean {
  if (status !== "active" || definition.overlap !== "skip") return false;
  const trigger = triggerIfValid(definition, anchorAt);
  if (trigger === null) return false;
  return countOccurrences(trigger, { after: plannedAt, until: now, limit: SKIPS }).count >= SKIPS;
}

import type { Clock } from "../../../shared/clock.ts";
import { inChunks } from "../../../shared/event-store/replay.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { EndedRun, RunHistory } from "./mongo-run-history.ts";

/** Purges runs and skips beyond the configured age and number: their records together with their events. */
export interface Retention extends PeriodicJob {
  /** Counts a new record of a task. */
  added(taskId: string): void;
}

export interface RetentionOptions {
  readonly history: RunHistory;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: no limit of age (ms). */
  readonly maxAgeMs: number | null;
  /** Number of records per task, the newest; null: no limit. */
  readonly maxPerTask: number | null;
  /** No record younger than this is purged (ms): a redelivered event has to find its record. */
  readonly minAgeMs: number;
  /** Interval of the job (ms); the age is checked less often. */
  readonly everyMs?: number;
}

/** Runs purged in one transaction. */
const CHUNK = 500;
const AGE_EVERY_MS = 3_600_000;
/** Tasks whose new records are counted; beyond this the counts are reset. */
const COUNTED_TASKS = 100_000;

export function createRetention(options: RetentionOptions): Retention {
  const { history, clock, log, maxAgeMs, maxPerTask, minAgeMs, everyMs = 10_000 } = options;
  /** A task is checked again after this many new records, so that it exceeds its limit by a tenth at most. */
  const step = Math.ceil((maxPerTask ?? 0) / 10);
  const counts = new Map<string, number>();
  const overLimit = new Set<string>();
  let isFirst = true;
  let ageAt = 0;

  async function sweep(stopping: AbortSignal): Promise<void> {
    const now = clock.now();
    const work: Work = { stopping, anchors: new Map(), purged: 0 };
    if (maxPerTask !== null) await trim(maxPerTask, now - minAgeMs, work);
    if (maxAgeMs !== null && now >= ageAt) {
      await purgeAll(history.recordedBefore(now - Math.max(maxAgeMs, minAgeMs)), work);
      ageAt = now + Math.min(AGE_EVERY_MS, maxAgeMs / 10);
    }
    if (work.purged > 0) log.info({ records: work.purged }, "old runs were purged");
  }

  async function trim(keep: number, before: number, work: Work): Promise<void> {
    if (isFirst) for (const taskId of await history.tasksBeyond(keep)) overLimit.add(taskId);
    isFirst = false;
    for (const taskId of overLimit) {
      if (work.stopping.aborted) return;
      await purgeAll(history.beyond(taskId, { keep, before }), work);
      overLimit.delete(taskId);
    }
  }

  async function purgeAll(entries: AsyncIterable<EndedRun>, work: Work): Promise<void> {
    const { stopping, anchors } = work;
    for await (const chunk of inChunks(entries, CHUNK)) {
      if (stopping.aborted) return;
      const purgeable: EndedRun[] = [];
      for (const entry of chunk) {
        const kept = anchors.get(entry.taskId) ?? (await history.anchorsOf(entry.taskId));
        anchors.set(entry.taskId, kept);
        if (!kept.has(entry.id)) purgeable.push(entry);
      }
      if (purgeable.length > 0) await history.purge(purgeable);
      work.purged += purgeable.length;
    }
  }

  const job = createPeriodicJob({ everyMs, work: sweep, log, failure: "old runs could not be purged" });
  return {
    added(taskId) {
      if (maxPerTask === null) return;
      const count = (counts.get(taskId) ?? 0) + 1;
      if (count >= step) overLimit.add(taskId);
      if (counts.size >= COUNTED_TASKS) counts.clear();
      counts.set(taskId, count % step);
    },
    start() {
      if (maxAgeMs !== null || maxPerTask !== null) job.start();
    },
    stop: job.stop,
  };
}

interface Work {
  readonly stopping: AbortSignal;
  /** Runs and skips that must stay, by task. Valid for the whole sweep: later they are only ever newer ones. */
  readonly anchors: Map<string, ReadonlySet<string>>;
  purged: number;
}

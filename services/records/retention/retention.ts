import type { Clock } from "../../../shared/clock.ts";
import { inChunks } from "../../../shared/event-store/replay.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { Forgettable, RunHistory } from "./mongo-run-history.ts";

/** Forgets what is older or more than may be kept: records together with the events they were made from. */
export interface Retention extends PeriodicJob {
  /** Takes note of a new record of a task. */
  added(taskId: string): void;
}

export interface RetentionOptions {
  readonly history: RunHistory;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: kept for ever. */
  readonly maxAgeMs: number | null;
  /** The newest of each task; null: all. */
  readonly maxPerTask: number | null;
  /** Nothing younger is forgotten: an order that is delivered again has to find its record. */
  readonly minAgeMs: number;
  /** Between two looks; for too old ones it is looked less often. */
  readonly everyMs?: number;
}

/** Forgotten in one transaction. */
const CHUNK = 500;
const AGE_EVERY_MS = 3_600_000;
/** Tasks whose new records are counted; beyond it counting begins anew. */
const COUNTED_TASKS = 100_000;

export function createRetention(options: RetentionOptions): Retention {
  const { history, clock, log, maxAgeMs, maxPerTask, minAgeMs, everyMs = 10_000 } = options;
  /** A task is looked at again after so many new records, so that it exceeds its share by a tenth at most. */
  const step = Math.ceil((maxPerTask ?? 0) / 10);
  const counts = new Map<string, number>();
  const crowded = new Set<string>();
  let isFirst = true;
  let ageAt = 0;

  async function sweep(stopping: AbortSignal): Promise<void> {
    const now = clock.now();
    const work: Work = { stopping, anchors: new Map(), forgotten: 0 };
    if (maxPerTask !== null) await trim(maxPerTask, now - minAgeMs, work);
    if (maxAgeMs !== null && now >= ageAt) {
      await forgetAll(history.recordedBefore(now - Math.max(maxAgeMs, minAgeMs)), work);
      ageAt = now + Math.min(AGE_EVERY_MS, maxAgeMs / 10);
    }
    if (work.forgotten > 0) log.info({ records: work.forgotten }, "old runs were forgotten");
  }

  async function trim(keep: number, before: number, work: Work): Promise<void> {
    if (isFirst) for (const taskId of await history.tasksBeyond(keep)) crowded.add(taskId);
    isFirst = false;
    for (const taskId of crowded) {
      if (work.stopping.aborted) return;
      await forgetAll(history.beyond(taskId, { keep, before }), work);
      crowded.delete(taskId);
    }
  }

  async function forgetAll(entries: AsyncIterable<Forgettable>, work: Work): Promise<void> {
    const { stopping, anchors } = work;
    for await (const chunk of inChunks(entries, CHUNK)) {
      if (stopping.aborted) return;
      const doomed: Forgettable[] = [];
      for (const entry of chunk) {
        const kept = anchors.get(entry.taskId) ?? (await history.anchorsOf(entry.taskId));
        anchors.set(entry.taskId, kept);
        if (!kept.has(entry.id)) doomed.push(entry);
      }
      if (doomed.length > 0) await history.forget(doomed);
      work.forgotten += doomed.length;
    }
  }

  const rounds = createPeriodicJob({ everyMs, work: sweep, log, failure: "old runs cannot be forgotten" });
  return {
    added(taskId) {
      if (maxPerTask === null) return;
      const count = (counts.get(taskId) ?? 0) + 1;
      if (count >= step) crowded.add(taskId);
      if (counts.size >= COUNTED_TASKS) counts.clear();
      counts.set(taskId, count % step);
    },
    start() {
      if (maxAgeMs !== null || maxPerTask !== null) rounds.start();
    },
    stop: rounds.stop,
  };
}

interface Work {
  readonly stopping: AbortSignal;
  /** What must stay, by task, for as long as this round goes on: it only ever moves to newer ones. */
  readonly anchors: Map<string, ReadonlySet<string>>;
  forgotten: number;
}

import type { Clock } from "../../../shared/clock.ts";
import { MinHeap } from "../../../shared/min-heap.ts";
import { wakeUp } from "../start/wake-up.ts";
import type { RunAttempt } from "./run-attempt.ts";

/** Wakes running attempts for their notice, their reports and their deadline by a monotonic clock, with one timer for all. */
export interface AttemptTimers {
  watch(attempt: RunAttempt): void;
  /** The attempt settled. */
  forget(attempt: RunAttempt): void;
  close(): void;
}

/**
 * Only attempts that outlive the turn of the event loop they began in are given a place in the heap: most runs of a
 * busy executor end within it and cost no timer at all.
 */
export function attemptTimers(clock: Clock): AttemptTimers {
  const heap = new MinHeap<RunAttempt>();
  let fresh = new Set<RunAttempt>();
  let sorting: NodeJS.Immediate | undefined;

  const schedule = (attempt: RunAttempt, now: number): void => {
    const at = attempt.tick(now);
    if (at === null) return;
    attempt.at = at;
    heap.add(attempt);
  };
  const ring = (): void => {
    const now = clock.now();
    for (let first = heap.peek(); first && first.at <= now; first = heap.peek()) {
      heap.remove(first);
      schedule(first, now);
    }
    alarm.set(heap.peek()?.at ?? null);
  };
  const alarm = wakeUp(clock, ring);
  const sort = (): void => {
    sorting = undefined;
    const now = clock.now();
    const survivors = fresh;
    fresh = new Set();
    for (const attempt of survivors) schedule(attempt, now);
    alarm.set(heap.peek()?.at ?? null);
  };

  return {
    watch(attempt) {
      fresh.add(attempt);
      sorting ??= setImmediate(sort);
    },
    forget(attempt) {
      if (!fresh.delete(attempt)) heap.remove(attempt);
    },
    close() {
      clearImmediate(sorting);
      alarm.close();
    },
  };
}

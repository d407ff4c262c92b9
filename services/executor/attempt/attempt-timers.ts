import type { Clock } from "../../../shared/clock.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import { wakeUp } from "../start/wake-up.ts";

export interface TimedAttempt {
  /** Does what is due at `now`; returns when to call again, or null if there is nothing to wait for. */
  onTimer(now: number): number | null;
}

interface TimerEntry extends HeapEntry {
  readonly attempt: TimedAttempt;
}

/** Calls running attempts for their notice, their reports and their time limit, with one timer for all. */
export interface AttemptTimers {
  watch(attempt: TimedAttempt): void;
  /** The attempt's handler has returned. */
  unwatch(attempt: TimedAttempt): void;
  close(): void;
}

/**
 * Attempts enter the heap only if they outlive the turn of the event loop in which they started: most runs of a busy
 * executor end within it and cost no timer. `clock` is monotonic.
 */
export function attemptTimers(clock: Clock): AttemptTimers {
  const heap = new MinHeap<TimerEntry>();
  const entries = new Map<TimedAttempt, TimerEntry>();
  let fresh = new Set<TimedAttempt>();
  let insertion: NodeJS.Immediate | undefined;

  const schedule = (attempt: TimedAttempt, now: number): void => {
    const at = attempt.onTimer(now);
    if (at === null) {
      entries.delete(attempt);
      return;
    }
    const entry = entries.get(attempt) ?? { attempt, at, sequence: 0, position: -1 };
    entry.at = at;
    entries.set(attempt, entry);
    heap.add(entry);
  };
  const ring = (): void => {
    const now = clock.now();
    for (let first = heap.peek(); first && first.at <= now; first = heap.peek()) {
      heap.remove(first);
      schedule(first.attempt, now);
    }
    alarm.set(heap.peek()?.at ?? null);
  };
  const alarm = wakeUp(clock, ring);
  const insertFresh = (): void => {
    insertion = undefined;
    const now = clock.now();
    const survivors = fresh;
    fresh = new Set();
    for (const attempt of survivors) schedule(attempt, now);
    alarm.set(heap.peek()?.at ?? null);
  };

  return {
    watch(attempt) {
      fresh.add(attempt);
      insertion ??= setImmediate(insertFresh);
    },
    unwatch(attempt) {
      if (fresh.delete(attempt)) return;
      const entry = entries.get(attempt);
      if (!entry) return;
      entries.delete(attempt);
      heap.remove(entry);
    },
    close() {
      clearImmediate(insertion);
      alarm.close();
    },
  };
}

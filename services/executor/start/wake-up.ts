import type { Clock } from "../../../shared/clock.ts";

/** One timer for many entries: set to the earliest time, it calls back then and never before. */
export interface WakeUp {
  /** Replaces the time; null turns the timer off. */
  set(at: number | null): void;
  close(): void;
}

/** A timer waits at most this long before it reads the clock again, which may have been set meanwhile. */
const LONGEST_SLEEP_MS = 1000;

/**
 * `setTimeout` may fire up to 1 ms early and counts from a cached time, so the clock decides. The last fraction of a
 * millisecond is spent in the event loop's check phase, because another timer would be late.
 */
export function wakeUp(clock: Clock, ring: () => void): WakeUp {
  let target: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = 0;
  let immediate: NodeJS.Immediate | undefined;

  const check = (): void => {
    timer = undefined;
    immediate = undefined;
    if (target === null) return;
    if (clock.now() < target) {
      arm();
      return;
    }
    target = null;
    ring();
  };
  const arm = (): void => {
    if (target === null) return;
    const remaining = target - clock.now();
    if (remaining <= 1) {
      immediate ??= setImmediate(check);
      return;
    }
    const at = remaining > LONGEST_SLEEP_MS ? target - remaining + LONGEST_SLEEP_MS : target;
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(check, Math.min(remaining, LONGEST_SLEEP_MS));
  };
  const disarm = (): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
    timer = undefined;
    immediate = undefined;
  };
  return {
    set(at) {
      if (at === target) return;
      target = at;
      if (at === null) disarm();
      else arm();
    },
    close() {
      target = null;
      disarm();
    },
  };
}

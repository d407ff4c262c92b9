import type { Clock } from "../../../shared/clock.ts";

/** One timer for many waiting things: set to the earliest instant, it calls back then and never before. */
export interface WakeUp {
  /** Replaces what was set; null turns it off. */
  set(at: number | null): void;
  close(): void;
}

/** A timer waits no longer than this before it looks at the clock again, which may have been set meanwhile. */
const LONGEST_SLEEP_MS = 1000;

/**
 * `setTimeout` may fire up to 1 ms before its time and counts from a cached one; the clock decides, and the last
 * fraction of a millisecond is spent in the event loop's check phase instead of another timer, which would be late.
 */
export function wakeUp(clock: Clock, ring: () => void): WakeUp {
  let target: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = 0;
  let immediate: NodeJS.Immediate | undefined;

  const look = (): void => {
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
      immediate ??= setImmediate(look);
      return;
    }
    const at = remaining > LONGEST_SLEEP_MS ? target - remaining + LONGEST_SLEEP_MS : target;
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(look, Math.min(remaining, LONGEST_SLEEP_MS));
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

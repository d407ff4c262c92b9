/** Counts recent starts, to estimate how many runs the next confirmation has to cover. */
export interface StartRate {
  add(now: number): void;
  /** A confirmation took this long. Starts are counted over twice that time, since a burst of starts follows each. */
  confirmedIn(ms: number): void;
  /** Starts of the busier of the last two windows. */
  lately(now: number): number;
}

const WINDOW_MIN_MS = 250;

export function startRate(): StartRate {
  let windowMs = WINDOW_MIN_MS;
  let from = 0;
  let current = 0;
  let previous = 0;
  const turn = (now: number): void => {
    const passed = now - from;
    if (passed < windowMs) return;
    previous = passed < 2 * windowMs ? current : 0;
    current = 0;
    from = now;
  };
  return {
    add(now) {
      turn(now);
      current += 1;
    },
    confirmedIn(ms) {
      // Shrinks step by step, so that one fast confirmation does not drop the starts counted so far.
      windowMs = Math.max(WINDOW_MIN_MS, 2 * ms, windowMs / 2);
    },
    lately(now) {
      turn(now);
      return Math.max(current, previous);
    },
  };
}

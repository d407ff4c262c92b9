/** How many runs were started lately: what the next moments may need. */
export interface StartRate {
  add(now: number): void;
  /** Starts of the busier of the last two windows. */
  lately(now: number): number;
}

/** About as long as a question to the scheduler may take under load. */
const WINDOW_MS = 250;

export function startRate(): StartRate {
  let from = 0;
  let current = 0;
  let previous = 0;
  const turn = (now: number): void => {
    const passed = now - from;
    if (passed < WINDOW_MS) return;
    previous = passed < 2 * WINDOW_MS ? current : 0;
    current = 0;
    from = now;
  };
  return {
    add(now) {
      turn(now);
      current += 1;
    },
    lately(now) {
      turn(now);
      return Math.max(current, previous);
    },
  };
}

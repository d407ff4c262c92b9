/** The one source of time: domain code gets `now` in its commands, everything else asks a clock. */
export interface Clock {
  /** Milliseconds, since the Unix epoch unless the clock says otherwise. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** For durations: it counts from an arbitrary zero and is never set. */
export const monotonicClock: Clock = { now: () => performance.now() };

/** The source of time. Domain code receives `now` in its commands; all other code reads a clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch, or since the clock's own zero. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** For durations: counts from an arbitrary zero and is never adjusted. */
export const monotonicClock: Clock = { now: () => performance.now() };

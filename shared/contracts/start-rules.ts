/** When a dispatched run may start. The guarantee about paused tasks depends on it. */

/**
 * A run that starts later than this after its planned time, or after its dispatch where that came later, has to be
 * confirmed by the scheduler first.
 */
export const LATE_START_MS = 500;

/** How long an executor waits for the scheduler's verdicts; twice as long after each time that it was too short. */
export const CONFIRM_TIMEOUT_MS = 1500;
export const CONFIRM_TIMEOUT_MAX_MS = 6000;

/** A verdict that the scheduler took from an older state is not used. */
export const VERDICT_ARRIVAL_MS = 1500;

/** How long a verdict may be used after its arrival. */
export const VERDICT_VALID_MS = 500;

/** A late run never starts longer than this after the scheduler looked at it. */
export const VERDICT_MAX_AGE_MS = VERDICT_ARRIVAL_MS + VERDICT_VALID_MS;

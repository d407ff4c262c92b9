/**
 * Tells the time slices of long work that a single step took long, so that they look at the clock at once instead of
 * after some more steps.
 */
export const slowWork = { isReported: false };

/**
 * A single step reports here that it may have taken long, so that time slices check the clock at once and not
 * only after some more steps.
 */
export const longStep = { isReported: false };

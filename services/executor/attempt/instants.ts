let lastMs = Number.NaN;
let lastText = "";

/** An instant as ISO-8601 UTC; the same millisecond is formatted once, and thousands of runs share one. */
export function isoInstant(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}

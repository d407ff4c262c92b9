let lastMs = Number.NaN;
let lastText = "";

/** Formats an instant (ms) as ISO-8601 UTC. Thousands of runs share a millisecond, so the last text is reused. */
export function isoInstant(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}

export function isoInstantOrNull(ms: number | null): string | null {
  return ms === null ? null : isoInstant(ms);
}

/** The instant (ms) of an ISO-8601 text; null for null. */
export function parseInstantOrNull(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

/**
 * Ends a test that would never succeed. Generous, because slow and busy machines need it; a test of a promised limit
 * uses that limit.
 */
export const LIMIT_MS = 60_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 50;

/** Polls a condition that no event announces. Resolves to its first truthy result; rejects after a minute. */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + limitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.1, MAX_PAUSE_MS)) {
    const found = await condition();
    if (found) return found as Exclude<T, false | undefined>;
    if (performance.now() > deadline) throw new Error(`after ${limitMs} ms still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

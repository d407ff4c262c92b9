/**
 * Ends a test that would never succeed. Generous, so that it also holds on a slow and busy machine; tests that measure
 * guarantees of the platform have limits of their own.
 */
export const LIMIT_MS = 60_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

/** Polls a condition until it holds and resolves to its result; rejects after a minute. For changes without an event. */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + limitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.1, LONGEST_PAUSE_MS)) {
    const found = await condition();
    if (found) return found as Exclude<T, false | undefined>;
    if (performance.now() > deadline) throw new Error(`after ${limitMs} ms still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

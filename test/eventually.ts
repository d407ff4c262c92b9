const LIMIT_MS = 10_000;
const POLL_MS = 5;

/** Resolves when a condition that nothing announces holds; rejects after ten seconds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${limitMs} ms still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

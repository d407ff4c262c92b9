import { test } from "node:test";
import { LIMIT_MS } from "../eventually.ts";
import type { Adapter, BusUnderTest, OpenOptions } from "./contract.ts";
import { silent } from "./example-event.ts";

/** Options that let a test see timeouts and retries within a second. */
export const quick = { maxInFlight: 10, ackWaitMs: 400, maxDeliver: 3, backoffMs: [50, 100] } as const;

/** A test that gets a bus of its own, closed afterwards whatever happens. */
export function busTest(
  adapter: Adapter,
  rule: string,
  body: (under: BusUnderTest) => Promise<void>,
  options: Partial<OpenOptions> = {},
): void {
  test(`${adapter.name}: ${rule}`, { timeout: 2 * LIMIT_MS }, async () => {
    const under = await adapter.open({ logger: silent, ...options });
    try {
      await body(under);
    } finally {
      await under.close();
    }
  });
}

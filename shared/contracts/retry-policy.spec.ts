import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { objectId } from "../ids.ts";
import { type RetryPolicy, retryDelayMs } from "./retry-policy.ts";

describe("the delay before a retry", () => {
  const exponential: RetryPolicy = { limit: 10, backoff: "exponential", delayMs: 1000, maxDelayMs: 60_000 };
  const runIds = Array.from({ length: 200 }, () => objectId());
  const delays = (policy: RetryPolicy, attempt: number) =>
    runIds.map((runId) => retryDelayMs(policy, runId, attempt));

  it("doubles with each attempt up to its maximum, or stays the same", () => {
    for (const [attempt, full] of [
      [1, 1000],
      [2, 2000],
      [4, 8000],
      [7, 60_000],
      [100, 60_000],
    ] as const)
      for (const delay of delays(exponential, attempt))
        assert.ok(delay <= full && delay >= full * 0.9, `${attempt}: ${delay}`);
    for (const attempt of [1, 9])
      for (const delay of delays({ ...exponential, backoff: "fixed" }, attempt))
        assert.ok(delay <= 1000 && delay >= 900, `${delay}`);
  });

  it("differs between runs and attempts, and is the same for the same attempt", () => {
    assert.ok(new Set(delays(exponential, 1)).size > 50);
    assert.deepEqual(delays(exponential, 3), delays(exponential, 3));
    const [runId = ""] = runIds;
    assert.notEqual(retryDelayMs(exponential, runId, 7), retryDelayMs(exponential, runId, 8));
  });

  it("may be zero", () => assert.equal(retryDelayMs({ ...exponential, delayMs: 0 }, objectId(), 1), 0));
});

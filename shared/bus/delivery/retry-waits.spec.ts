import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RetryWaits } from "./retry-waits.ts";

function waitsOf(backoffMs: readonly number[]) {
  let slotsReleased = 0;
  const waits = new RetryWaits({ backoffMs, onSlotReleased: () => slotsReleased++ });
  return { waits, slotsReleased: () => slotsReleased };
}

describe("retry waits", () => {
  it("last as long as the backoff of the attempt; the last backoff repeats", async () => {
    const { waits } = waitsOf([1, 30]);
    for (const [attempts, minimumMs] of [
      [1, 0],
      [2, 29],
      [7, 29],
    ] as const) {
      const from = performance.now();
      assert.equal(await waits.wait(attempts), true);
      assert.ok(performance.now() - from >= minimumMs, `after ${attempts} attempts`);
    }
  });

  it("release a slot only where they are asked to, until they are over", async () => {
    const { waits, slotsReleased } = waitsOf([1]);
    const holding = waits.wait(1);
    const releasing = waits.waitWithoutSlot(1);
    assert.deepEqual([waits.released, slotsReleased()], [1, 1]);
    await Promise.all([holding, releasing]);
    assert.equal(waits.released, 0);
  });

  it("end together, and no later one begins", async () => {
    const { waits } = waitsOf([60_000]);
    const running = [waits.wait(1), waits.waitWithoutSlot(1)];
    waits.end();
    assert.deepEqual(await Promise.all([...running, waits.wait(1)]), [false, false, false]);
  });
});

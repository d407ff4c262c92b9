import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../../shared/clock.ts";
import { LATE_START_MS } from "../../../shared/contracts/start-rules.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { dueEvent } from "../executor.fixture.ts";
import { type QueuedRun, startQueue } from "./start-queue.ts";

const SLOTS = 100;

/** Returns the sizes of the calls that confirm late runs; each run releases its slot in the next turn. */
async function startLate(test: TestContext, runs: number, confirmMs: number): Promise<readonly number[]> {
  const sizes: number[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let started = 0;
  const queue = startQueue<QueuedRun>({
    clock: systemClock,
    logger: silentLog,
    slots: SLOTS,
    async confirm(runs) {
      sizes.push(runs.length);
      await delay(confirmMs);
      return runs.map(() => "wanted");
    },
    start() {
      started += 1;
      setImmediate(() => queue.release());
      if (started === runs) resolve();
    },
    rejected: () => assert.fail("every run is wanted"),
  });
  test.after(() => queue.close());
  const time = new Date(Date.now() + 1).toISOString();
  await delay(LATE_START_MS + 50);
  for (let run = 0; run < runs; run++) queue.add(dispatchedAt(time));
  await done;
  return sizes;
}

function dispatchedAt(time: string): QueuedRun {
  const stopping = new AbortController().signal;
  return {
    due: { ...dueEvent({}), time },
    delivery: { count: 1, resent: false, lapsedAt: Number.NEGATIVE_INFINITY, stopping },
    at: Date.parse(time),
    isRepeated: false,
    isReady: false,
    confirmedAt: Number.NEGATIVE_INFINITY,
    yieldedAt: Number.NEGATIVE_INFINITY,
    sequence: 0,
    position: -1,
  };
}

describe("late runs in the start queue", () => {
  it("are confirmed for the free slots at first", async (test) => {
    const [first] = await startLate(test, SLOTS * 2, 1);
    assert.equal(first, SLOTS);
  });

  it("are confirmed in larger batches if the scheduler is slow", async (test) => {
    const sizes = await startLate(test, SLOTS * 20, 300);
    assert.ok(sizes.length <= 10, `${sizes.length} calls: ${sizes.join(", ")}`);
  });
});

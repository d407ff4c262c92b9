import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../../shared/clock.ts";
import type { HeapEntry } from "../../../shared/min-heap.ts";
import { type WaitingRuns, waitingRuns } from "./waiting-runs.ts";

interface Started {
  readonly entry: HeapEntry;
  readonly now: number;
}

/** Waiting runs with real timers; `until` resolves when `count` runs were started. */
function setUp(slots: number) {
  const started: Started[] = [];
  let want = 0;
  let reached: () => void = () => {};
  const waiting: WaitingRuns<HeapEntry> = waitingRuns({
    clock: systemClock,
    slots,
    mayStart: () => true,
    start(entry) {
      started.push({ entry, now: Date.now() });
      if (started.length === want) reached();
    },
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      want = count;
      reached = resolve;
      if (started.length >= count) resolve();
    });
  return { waiting, started, until };
}
const entry = (at: number): HeapEntry => ({ at, sequence: 0, position: -1 });

describe("waiting runs", () => {
  it("start at their planned time, never before it, in any order of arrival", async () => {
    const { waiting, started, until } = setUp(1000);
    const base = Date.now() + 20;
    for (let index = 0; index < 200; index++) waiting.add(entry(base + ((index * 37) % 60)));
    await until(200);
    waiting.close();
    for (const { entry, now } of started) assert.ok(now >= entry.at, `${entry.at - now} ms early`);
    const order = started.map(({ entry }) => entry.at);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it("start at once if they are late", () => {
    const { waiting, started } = setUp(1);
    waiting.add(entry(Date.now() - 1000));
    assert.equal(started.length, 1);
    waiting.close();
  });

  it("wait for a slot in the order of their planned times", () => {
    const { waiting, started } = setUp(1);
    const now = Date.now();
    waiting.add(entry(now - 10));
    waiting.add(entry(now - 5));
    waiting.add(entry(now - 8));
    assert.equal(started.length, 1);
    waiting.release();
    waiting.release();
    assert.deepEqual(
      started.map(({ entry }) => entry.at - now),
      [-10, -8, -5],
    );
    waiting.close();
  });

  it("do not start after they were dropped; an earlier run that is added later moves the timer forward", async () => {
    const { waiting, started, until } = setUp(10);
    const base = Date.now();
    const dropped = entry(base + 10);
    waiting.add(entry(base + 60));
    waiting.add(dropped);
    waiting.add(entry(base + 30));
    assert.equal(waiting.drop(dropped), true);
    assert.equal(waiting.drop(dropped), false);
    await until(2);
    waiting.close();
    assert.deepEqual(
      started.map(({ entry }) => entry.at - base),
      [30, 60],
    );
  });

  it("are all returned by dropAll", () => {
    const { waiting, started } = setUp(10);
    const at = Date.now() + 60_000;
    waiting.add(entry(at + 1));
    waiting.add(entry(at));
    assert.deepEqual(
      waiting.dropAll().map((each) => each.at - at),
      [0, 1],
    );
    waiting.close();
    assert.equal(started.length, 0);
  });

  it("leave turns of the event loop to other work while many start", async () => {
    let others = 0;
    const count = 50;
    const finished = Promise.withResolvers<void>();
    let begun = 0;
    const waiting = waitingRuns<HeapEntry>({
      clock: systemClock,
      slots: count,
      mayStart: () => true,
      start() {
        const until = Date.now() + 2;
        while (Date.now() < until);
        begun += 1;
        if (begun === count) finished.resolve();
      },
    });
    const timer = setInterval(() => {
      others += 1;
    }, 1);
    const at = Date.now() + 5;
    for (let index = 0; index < count; index++) waiting.add(entry(at));
    await finished.promise;
    clearInterval(timer);
    waiting.close();
    assert.ok(others >= 5, `the event loop turned ${others} times in about 100 ms`);
  });
});

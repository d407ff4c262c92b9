import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../../shared/clock.ts";
import type { HeapEntry } from "../../../shared/min-heap.ts";
import { type HeldRuns, heldRuns } from "./held-runs.ts";

interface Started {
  readonly entry: HeapEntry;
  readonly now: number;
}

/** Held runs with real timers; `until` resolves when so many were started. */
function setUp(places: number) {
  const started: Started[] = [];
  let want = 0;
  let reached: () => void = () => {};
  const held: HeldRuns<HeapEntry> = heldRuns({
    clock: systemClock,
    places,
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
  return { held, started, until };
}
const entry = (at: number): HeapEntry => ({ at, sequence: 0, position: -1 });

describe("held runs", () => {
  it("start at their instant, never before it, whatever the order they came in", async () => {
    const { held, started, until } = setUp(1000);
    const base = Date.now() + 20;
    for (let index = 0; index < 200; index++) held.hold(entry(base + ((index * 37) % 60)));
    await until(200);
    held.close();
    for (const { entry, now } of started) assert.ok(now >= entry.at, `${entry.at - now} ms early`);
    const order = started.map(({ entry }) => entry.at);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it("those that are late start at once", () => {
    const { held, started } = setUp(1);
    held.hold(entry(Date.now() - 1000));
    assert.equal(started.length, 1);
    held.close();
  });

  it("wait for a place in the order of their instants", () => {
    const { held, started } = setUp(1);
    const now = Date.now();
    held.hold(entry(now - 10));
    held.hold(entry(now - 5));
    held.hold(entry(now - 8));
    assert.equal(started.length, 1);
    held.release();
    held.release();
    assert.deepEqual(
      started.map(({ entry }) => entry.at - now),
      [-10, -8, -5],
    );
    held.close();
  });

  it("one that is dropped does not start, and an earlier one that comes later sets the timer forward", async () => {
    const { held, started, until } = setUp(10);
    const base = Date.now();
    const dropped = entry(base + 10);
    held.hold(entry(base + 60));
    held.hold(dropped);
    held.hold(entry(base + 30));
    assert.equal(held.drop(dropped), true);
    assert.equal(held.drop(dropped), false);
    await until(2);
    held.close();
    assert.deepEqual(
      started.map(({ entry }) => entry.at - base),
      [30, 60],
    );
  });

  it("give up all that wait", () => {
    const { held, started } = setUp(10);
    const at = Date.now() + 60_000;
    held.hold(entry(at + 1));
    held.hold(entry(at));
    assert.deepEqual(
      held.dropAll().map((each) => each.at - at),
      [0, 1],
    );
    held.close();
    assert.equal(started.length, 0);
  });

  it("a long row of starts lets other work in between", async () => {
    let others = 0;
    const count = 50;
    const finished = Promise.withResolvers<void>();
    let begun = 0;
    const held = heldRuns<HeapEntry>({
      clock: systemClock,
      places: count,
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
    for (let index = 0; index < count; index++) held.hold(entry(at));
    await finished.promise;
    clearInterval(timer);
    held.close();
    assert.ok(others >= 5, `the event loop turned ${others} times in about 100 ms`);
  });
});

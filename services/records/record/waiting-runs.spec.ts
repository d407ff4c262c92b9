import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exampleRun } from "./run-events.fixture.ts";
import { BACKLOG, MAX_WAIT_MS, WAIT_MS, type WaitingRun, WaitingRuns } from "./waiting-runs.ts";

const now = Date.parse("2026-01-05T08:00:00.000Z");
const dispatched = (plannedAt = now) => exampleRun({ at: now, plannedAt });
const runIds = (runs: readonly WaitingRun[]) =>
  runs.map(({ event }) => (event.data as { runId: string }).runId);

describe("a dispatched run", () => {
  it("waits a moment beyond its planned time", () => {
    const waiting = new WaitingRuns();
    const later = dispatched(now + 1000);
    void waiting.add(later.due(), now);
    assert.deepEqual(waiting.takeExpired(now + 1000 + WAIT_MS - 1), []);
    assert.deepEqual(runIds(waiting.takeExpired(now + 1000 + WAIT_MS)), [later.runId]);
    assert.equal(waiting.size, 0);
  });

  it("waits from its arrival if that is after its planned time", () => {
    const waiting = new WaitingRuns();
    void waiting.add(dispatched(now - 60_000).due(), now);
    assert.deepEqual(waiting.takeExpired(now + WAIT_MS - 1), []);
    assert.equal(waiting.takeExpired(now + WAIT_MS).length, 1);
  });

  it("waits twice as long as the first events of others took", () => {
    const waiting = new WaitingRuns();
    const [slow, other] = [dispatched(), dispatched(now + 1000)];
    void waiting.add(slow.due(), now);
    void waiting.add(other.due(), now);
    waiting.takeFor([slow.succeeded()], now + 1000);
    assert.deepEqual(waiting.takeExpired(now + 1000 + 2 * 1000 - 1), []);
    assert.deepEqual(runIds(waiting.takeExpired(now + 1000 + 2 * 1000)), [other.runId]);
  });

  it("waits longer after the first events of others came too late for them", () => {
    const waiting = new WaitingRuns();
    const [slow, other] = [dispatched(), dispatched(now + 3000)];
    void waiting.add(slow.due(), now);
    void waiting.add(other.due(), now);
    assert.deepEqual(runIds(waiting.takeExpired(now + 1000)), [slow.runId]);
    assert.deepEqual(waiting.takeFor([slow.succeeded()], now + 3000), []);
    assert.deepEqual(waiting.takeExpired(now + 3000 + 2 * 3000 - 1), []);
    assert.deepEqual(runIds(waiting.takeExpired(now + 3000 + 2 * 3000)), [other.runId]);
  });

  it("waits as short as before once the first events of others arrive soon again", () => {
    const waiting = new WaitingRuns();
    const [slow, other] = [dispatched(), dispatched(now + 120_000)];
    void waiting.add(slow.due(), now);
    void waiting.add(other.due(), now);
    waiting.takeFor([slow.succeeded()], now + 60_000);
    for (let search = 0; search < 1000; search++) waiting.takeExpired(now + 60_000);
    assert.deepEqual(waiting.takeExpired(now + 120_000 + WAIT_MS - 1), []);
    assert.deepEqual(runIds(waiting.takeExpired(now + 120_000 + WAIT_MS)), [other.runId]);
  });

  it("waits longer in a backlog", () => {
    const waiting = new WaitingRuns();
    for (let count = 0; count <= BACKLOG; count++) void waiting.add(dispatched().due(), now);
    assert.deepEqual(waiting.takeExpired(now + MAX_WAIT_MS - 1), []);
    assert.equal(waiting.takeExpired(now + MAX_WAIT_MS).length, BACKLOG + 1);
  });

  it("never waits longer than the limit", () => {
    const waiting = new WaitingRuns();
    const [slow, other] = [dispatched(), dispatched(now + 60_000)];
    void waiting.add(slow.due(), now);
    void waiting.add(other.due(), now);
    waiting.takeFor([slow.succeeded()], now + 60_000);
    assert.deepEqual(waiting.takeExpired(now + 60_000 + MAX_WAIT_MS - 1), []);
    assert.deepEqual(runIds(waiting.takeExpired(now + 60_000 + MAX_WAIT_MS)), [other.runId]);
  });

  it("stops waiting when an event of it arrives, and no other run does", () => {
    const waiting = new WaitingRuns();
    const [one, other] = [dispatched(), dispatched()];
    const due = one.due();
    void waiting.add(due, now);
    void waiting.add(other.due(), now);
    assert.deepEqual(runIds(waiting.takeFor([one.succeeded()], now)), [one.runId]);
    assert.deepEqual([waiting.has(due), waiting.size], [false, 1]);
    assert.deepEqual(runIds(waiting.takeAll()), [other.runId]);
  });
});

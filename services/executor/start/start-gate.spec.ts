import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { LATE_START_MS } from "../../../shared/contracts/start-rules.ts";
import { dueEvent } from "../executor.fixture.ts";
import { GAP_MS } from "./gap-watch.ts";
import { type GatedRun, type StartGate, startGate } from "./start-gate.ts";

describe("the gate before a start", () => {
  let offset: number;
  let gate: StartGate;
  let warnings: [object, string][];
  const now = () => Date.now() + offset;
  beforeEach(() => {
    offset = 0;
    warnings = [];
    gate = startGate({ now }, { warn: (...line) => warnings.push(line) });
  });
  afterEach(() => gate.close());

  /** A run that was dispatched and planned an instant from now. */
  const run = (delivery: object = {}): GatedRun => {
    const due = { ...dueEvent({}), time: new Date(now() + 1).toISOString() };
    const stopping = new AbortController().signal;
    return {
      due,
      delivery: { count: 1, resent: false, lapsedAt: Number.NEGATIVE_INFINITY, stopping, ...delivery },
      at: Date.parse(due.time),
      isRepeated: false,
      confirmedAt: Number.NEGATIVE_INFINITY,
      yieldedAt: Number.NEGATIVE_INFINITY,
      sequence: 0,
      position: -1,
    };
  };
  const isOpen = (each: GatedRun, lateMs = 0) => gate.isOpen(each, each.at + lateMs);

  it("is open for a run on time, and for a late one once it is confirmed", () => {
    const each = run();
    assert.equal(isOpen(each, LATE_START_MS), true);
    assert.equal(isOpen(each, LATE_START_MS + 1), false);
    assert.equal(gate.mayHaveEnded(each), false);
    gate.confirm(each, performance.now());
    assert.equal(isOpen(each, LATE_START_MS + 1), true);
  });

  it("is closed, each time again, for an event that may have been redelivered to another member", () => {
    const delivery = { lapsedAt: performance.now() };
    const each = run(delivery);
    assert.deepEqual([isOpen(each), gate.mayHaveEnded(each)], [false, true]);
    gate.confirm(each, performance.now());
    assert.deepEqual([isOpen(each), gate.mayHaveEnded(each)], [true, false]);
    const requestedAt = performance.now();
    Object.assign(each.delivery, { lapsedAt: requestedAt });
    gate.confirm(each, requestedAt);
    assert.deepEqual([isOpen(each), gate.mayHaveEnded(each)], [false, true], "the verdict is from before");
  });

  it("is closed for runs that were dispatched before the process started", () => {
    const each = run();
    const older = { ...each, due: { ...each.due, time: new Date(now() - 60_000).toISOString() } };
    assert.deepEqual([isOpen(older), gate.mayHaveEnded(older)], [false, true]);
  });

  it("treats a step of the wall clock as a sleep of the machine, during which its monotonic clock stops", () => {
    const [before, waiting] = [run(), run()];
    const requestedAt = performance.now();
    assert.equal(isOpen(before), true);
    offset += GAP_MS + 100;
    assert.equal(isOpen(before), false);
    assert.match(warnings[0]?.[1] ?? "", /was suspended/);
    assert.equal(isOpen(run()), true, "a run that is dispatched afterwards is not confirmed");
    gate.confirm(waiting, requestedAt);
    assert.equal(isOpen(waiting), false, "a verdict from before does not count");
    gate.confirm(waiting, performance.now());
    assert.equal(isOpen(waiting), true);
  });
});

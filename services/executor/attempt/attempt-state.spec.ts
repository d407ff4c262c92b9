import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ABORT_GRACE_MS,
  type AttemptState,
  ENDED,
  onCancel,
  onReturn,
  onStop,
  onTime,
  REPORT_EVERY_MS,
  RUNNING,
  START_NOTICE_MS,
} from "./attempt-state.ts";
import type { Outcome } from "./outcome.ts";

const succeeded: Outcome = { kind: "succeeded", result: 1 };
const failed: Outcome = { kind: "failed", error: { type: "E", message: "m" }, retryable: false };
const timedOut: Outcome = { kind: "timed_out", timeoutMs: 5000 };
const stopping = onStop(RUNNING);
const timingOut: AttemptState = { name: "timing_out", graceUntil: 7000 };

const cancellation = { at: "2026-01-05T08:00:02.000Z", by: "admin" };
const cancelling = onCancel(RUNNING, cancellation, 1000);

describe("the outcome of an attempt whose handler returned", () => {
  const cases: [string, AttemptState, Outcome, Outcome | "requeue" | "nothing"][] = [
    ["is its result while it runs", RUNNING, succeeded, succeeded],
    ["is its failure while it runs", RUNNING, failed, failed],
    ["is its result while the executor stops", stopping, succeeded, succeeded],
    [
      "does not exist if it failed while the executor stops: the run is requeued",
      stopping,
      failed,
      "requeue",
    ],
    ["is a timeout after its limit, even if it succeeded", timingOut, succeeded, timedOut],
    ["is a timeout after its limit, even if it failed", timingOut, failed, timedOut],
    [
      "is the cancellation after it, even if it succeeded",
      cancelling,
      succeeded,
      { kind: "cancelled", cancellation },
    ],
    [
      "is the cancellation after it, even if it failed",
      cancelling,
      failed,
      { kind: "cancelled", cancellation },
    ],
    ["was decided before if the attempt has ended", ENDED, succeeded, "nothing"],
  ];
  for (const [rule, state, outcome, expected] of cases)
    it(rule, () => assert.deepEqual(onReturn(state, outcome, 5000), expected));
});

describe("a stopping executor", () => {
  it("does not change an attempt that is timing out or has ended", () => {
    assert.equal(onStop(timingOut), timingOut);
    assert.equal(onStop(ENDED), ENDED);
  });
});

describe("a cancelled attempt", () => {
  it("has the grace time to return, also while the executor stops", () => {
    const expected = { name: "cancelling", graceUntil: 1000 + ABORT_GRACE_MS, cancellation };
    assert.deepEqual(onCancel(RUNNING, cancellation, 1000), expected);
    assert.deepEqual(onCancel(stopping, cancellation, 1000), expected);
  });

  it("stays as it is if it was cancelled before, times out or has ended", () => {
    for (const state of [cancelling, timingOut, ENDED])
      assert.equal(onCancel(state, { at: "2026-01-05T08:00:03.000Z", by: null }, 2000), state);
  });

  it("ends once the grace time is over, not at its limit", () => {
    const limit = { begunAt: 0, timeoutMs: 1100 };
    const graceUntil = 1000 + ABORT_GRACE_MS;
    assert.deepEqual(onTime(cancelling, limit, 2500), { do: "report", until: graceUntil });
    assert.deepEqual(onTime(cancelling, limit, graceUntil), { do: "give_up" });
  });
});

describe("the timer of an attempt", () => {
  const limit = { begunAt: 1000, timeoutMs: 5000 };
  const deadline = 6000;

  it("waits for the start notice, or for the limit if that is earlier", () => {
    assert.deepEqual(onTime(RUNNING, limit, 1000), { do: "wait", until: 1000 + START_NOTICE_MS });
    assert.deepEqual(onTime(RUNNING, { begunAt: 1000, timeoutMs: 100 }, 1000), { do: "wait", until: 1100 });
  });

  it("reports at its interval, at the latest until the limit", () => {
    assert.deepEqual(onTime(RUNNING, limit, 1300), { do: "report", until: 1300 + REPORT_EVERY_MS });
    assert.deepEqual(onTime(stopping, limit, 5900), { do: "report", until: deadline });
  });

  it("aborts at the limit, also while the executor stops", () => {
    const abort = { do: "abort", until: deadline + ABORT_GRACE_MS };
    assert.deepEqual(onTime(RUNNING, limit, deadline), abort);
    assert.deepEqual(onTime(stopping, limit, deadline), abort);
  });

  it("gives up once the grace period is over, not before", () => {
    assert.deepEqual(onTime(timingOut, limit, 6999), { do: "report", until: 7000 });
    assert.deepEqual(onTime(timingOut, limit, 7000), { do: "give_up" });
  });

  it("does nothing for an attempt that has ended", () =>
    assert.deepEqual(onTime(ENDED, limit, 9000), { do: "nothing" }));
});

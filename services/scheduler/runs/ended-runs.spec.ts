import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RetryingRun } from "../../../shared/contracts/records-actions.ts";
import { objectId } from "../../../shared/ids.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { evolve } from "../task/task-evolution.ts";
import type { DefinedTask } from "../task/task-state.ts";
import { created, due, taskId } from "../task/task-story.fixture.ts";
import { endedRuns } from "./ended-runs.ts";

interface Call {
  readonly runs: readonly { readonly taskId: string; readonly runId: string; readonly plannedAt: string }[];
}

describe("ended runs", () => {
  const oneRun = [created(), due(10, 20)].reduce(evolve, { status: "none" } as const) as DefinedTask;
  const [run] = oneRun.openRuns;
  const withRuns = (count: number): DefinedTask => ({
    ...oneRun,
    openRuns: Array.from({ length: count }, () => ({ ...oneRun.openRuns[0], runId: objectId() })) as never,
  });

  /** With a records service that returns a response for each call, and a command handler that records the removals. */
  function comparison(respond: (call: Call) => readonly string[], retrying: readonly RetryingRun[] = []) {
    const calls: Call[] = [];
    const removed: string[] = [];
    const waiting: [string, number, number][] = [];
    const warnings: object[] = [];
    const ended = endedRuns({
      caller: {
        async call(_, params) {
          calls.push(params as Call);
          return { ended: respond(params as Call), retrying };
        },
      },
      commandHandler: {
        async endRun({ runId }) {
          removed.push(runId);
          return {} as never;
        },
        async awaitRetry({ runId, attempt, retryAt }) {
          waiting.push([runId, attempt, retryAt]);
          return {} as never;
        },
      },
      log: { ...silentLog, warn: (fields: object) => void warnings.push(fields) },
    });
    return { ended, calls, removed, waiting, warnings };
  }

  it("that wait for their next attempt are noted with it", async () => {
    const runId = run?.runId ?? "";
    const retryAt = "2026-01-05T12:00:30.000Z";
    const { ended, removed, waiting } = comparison(() => [], [{ runId, attempt: 1, retryAt }]);
    await ended.reconcile([oneRun]);
    assert.deepEqual([removed, waiting], [[], [[runId, 1, Date.parse(retryAt)]]]);
  });

  it("are removed from their tasks, and no others", async () => {
    const tasks = withRuns(3);
    const [first = ""] = tasks.openRuns.map(({ runId }) => runId);
    const { ended, removed } = comparison(() => [first]);
    await ended.reconcile([tasks]);
    assert.deepEqual(removed, [first]);
  });

  it("are looked up with the task and the planned time of the run", async () => {
    const { ended, calls } = comparison(() => []);
    await ended.reconcile([oneRun]);
    const plannedAt = new Date(run?.plannedAt ?? 0).toISOString();
    assert.deepEqual(calls, [{ runs: [{ taskId, runId: run?.runId, plannedAt }] }]);
  });

  it("are looked up in parts, as many as one call accepts", async () => {
    const { ended, calls, removed } = comparison(({ runs }) => runs.map(({ runId }) => runId));
    await ended.reconcile([withRuns(3000), withRuns(3000)]);
    assert.deepEqual(
      calls.map(({ runs }) => runs.length),
      [5000, 1000],
    );
    assert.equal(removed.length, 6000);
  });

  it("are not looked up if no run is open", async () => {
    const { ended, calls } = comparison(() => assert.fail("no call is needed"));
    await ended.reconcile([withRuns(0)]);
    assert.deepEqual([calls, await ended.find([], {})], [[], { ended: new Set(), retrying: [] }]);
  });

  it("stay open if the records service fails, which is logged", async () => {
    const { ended, removed, warnings } = comparison(() => {
      throw new Error("unavailable");
    });
    await ended.reconcile([withRuns(2)]);
    assert.deepEqual([removed, warnings], [[], [{ reason: "unavailable" }]]);
  });
});

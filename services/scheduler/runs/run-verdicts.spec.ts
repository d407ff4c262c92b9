import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RetryingRun } from "../../../shared/contracts/records-actions.ts";
import { VERDICT_ARRIVAL_MS } from "../../../shared/contracts/start-rules.ts";
import { objectId } from "../../../shared/ids.ts";
import { task } from "../task/task.ts";
import { openRunsOf, type Task } from "../task/task-state.ts";
import { created, due, taskId } from "../task/task-story.fixture.ts";
import type { TaskRun } from "./ended-runs.ts";
import { type RunVerdicts, type RunVerdictsDeps, runVerdicts } from "./run-verdicts.ts";

describe("verdicts on runs", () => {
  const state = [created(), due(10, 20), due(20, 30)].reduce<Task>(task.evolve, task.initialState);
  const [first = "", second = ""] = openRunsOf(state).map(({ runId }) => runId);
  const repeated = { taskId, runId: first, mayHaveEnded: true };
  const late = { taskId, runId: second, mayHaveEnded: false };

  const endedWith = (ended: readonly string[], retrying: readonly RetryingRun[] = []) => ({
    find: async () => ({ ended: new Set(ended), retrying }),
    awaitRetries: async () => {},
    remove: () => assert.fail("only the leader removes runs"),
  });
  /** With NATS. No run has ended, and none is in flight elsewhere. */
  const verdictsWith = (more: Partial<RunVerdictsDeps>) =>
    runVerdicts({
      bus: { hasCaughtUp: async () => true },
      store: { readStream: async () => [] },
      commandHandler: { currentRuns: async () => new Map([[taskId, state]]) },
      endedRuns: endedWith([]),
      inFlightElsewhere: async () => new Set(),
      isLeader: () => false,
      isEndKept: true,
      ...more,
    });
  const request = async (deps: Partial<RunVerdictsDeps>, runs: Parameters<RunVerdicts>[0]) =>
    (await verdictsWith(deps)(runs, "executor")).verdicts;

  it("do not wait for each other: only a run that may have ended stays undecided", async () => {
    const silent = { ...endedWith([]), find: () => new Promise<never>(() => {}) };
    for (const deps of [{ endedRuns: silent }, { bus: { hasCaughtUp: async () => false } }])
      assert.deepEqual(await request(deps, [repeated, late]), ["unknown", "wanted"]);
  });

  it("report the recorded end of a run while other ends are in flight", async () => {
    const deps = { endedRuns: endedWith([first]), bus: { hasCaughtUp: async () => false } };
    assert.deepEqual(await request(deps, [repeated, late]), ["ended", "wanted"]);
  });

  it("count an outcome that the other executor published before it was asked", async () => {
    const published = Promise.withResolvers<void>();
    let isOnBus = false;
    const deps: Partial<RunVerdictsDeps> = {
      // The group has handled everything but the outcome.
      bus: { hasCaughtUp: async () => !isOnBus },
      inFlightElsewhere: async () => {
        await published.promise;
        return new Set();
      },
    };
    const verdicts = request(deps, [repeated]);
    isOnBus = true;
    published.resolve();
    assert.deepEqual(await verdicts, ["unknown"]);
  });

  it("of the leader close the runs whose end is recorded", async () => {
    const closed: string[] = [];
    const endedRuns = {
      ...endedWith([first]),
      remove: async (runs: readonly TaskRun[]) => void closed.push(...runs.map(({ run }) => run.runId)),
    };
    await request({ endedRuns, isLeader: () => true }, [repeated, late]);
    assert.deepEqual(closed, [first]);
  });

  it("are not held back until they are too old by one on a run of a deleted task", async () => {
    let waitedMs = 0;
    // A records process was killed: its events are delivered to another one after half a minute.
    const hasCaughtUp = async (group: string, _: string, limitMs: number) => {
      if (group === "records") waitedMs = limitMs;
      return group !== "records";
    };
    const deleted = { taskId: objectId(), runId: objectId(), mayHaveEnded: true };
    const { verdicts } = await verdictsWith({ bus: { hasCaughtUp } })([repeated, deleted], "executor", 6000);
    assert.deepEqual(verdicts, ["wanted", "unknown"]);
    assert.ok(waitedMs > 0 && waitedMs < VERDICT_ARRIVAL_MS, `${waitedMs} ms`);
  });

  it("are ended for an attempt whose failure is recorded, and wanted for the next one", async () => {
    const retryAt = "2026-01-05T12:00:30.000Z";
    const deps = { endedRuns: endedWith([], [{ runId: first, attempt: 1, retryAt }]) };
    const runs = [1, 2].map((attempt) => ({ ...repeated, attempt }));
    assert.deepEqual(await request(deps, runs), ["ended", "wanted"]);
  });

  it("report how long the call waited before the tasks were read", async () => {
    const waitMs = 60;
    const hasCaughtUp = () => delay(waitMs, true);
    const { waitedMs } = await verdictsWith({ bus: { hasCaughtUp } })([repeated], "executor");
    assert.ok(waitedMs !== undefined && waitedMs > waitMs / 2, `${waitedMs} ms`);
  });
});

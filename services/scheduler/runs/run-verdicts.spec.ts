import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { task } from "../task/task.ts";
import { runsOf, type Task } from "../task/task-state.ts";
import { created, due, taskId } from "../task/task-story.fixture.ts";
import { type RunVerdicts, type RunVerdictsDeps, runVerdicts } from "./run-verdicts.ts";

describe("verdicts on runs", () => {
  const state = [created(), due(10, 20), due(20, 30)].reduce<Task>(task.evolve, task.initialState);
  const [first = "", second = ""] = runsOf(state).map(({ runId }) => runId);
  const repeated = { taskId, runId: first, mayHaveEnded: true };
  const late = { taskId, runId: second, mayHaveEnded: false };

  /** Over NATS; nothing has ended, and nobody else holds anything. */
  const verdictsWith = (more: Partial<RunVerdictsDeps>) =>
    runVerdicts({
      bus: { hasCaughtUp: async () => true },
      store: { readStream: async () => [] },
      commandHandler: { currentRuns: async () => new Map([[taskId, state]]) },
      endedRuns: { find: async () => new Set(), remove: () => assert.fail() },
      heldElsewhere: async () => new Set(),
      isLeader: () => false,
      isEndKept: true,
      ...more,
    });
  const asker = (more: Partial<RunVerdictsDeps>) => async (runs: Parameters<RunVerdicts>[0]) =>
    (await verdictsWith(more)(runs, "asker")).verdicts;

  it("do not wait for one another: a run that may have ended stays undecided alone", async () => {
    const silent = { find: () => new Promise<never>(() => {}), remove: () => assert.fail() };
    for (const deps of [{ endedRuns: silent }, { bus: { hasCaughtUp: async () => false } }])
      assert.deepEqual(await asker(deps)([repeated, late]), ["unknown", "wanted"]);
  });

  it("state the end of a run that is on record while other ends are still on their way", async () => {
    const endedRuns = { find: async () => new Set([first]), remove: () => assert.fail() };
    const ask = asker({ endedRuns, bus: { hasCaughtUp: async () => false } });
    assert.deepEqual(await ask([repeated, late]), ["ended", "wanted"]);
  });

  it("state how long the call waited before the tasks were read", async () => {
    const waitMs = 60;
    const hasCaughtUp = () => delay(waitMs, true);
    const { waitedMs } = await verdictsWith({ bus: { hasCaughtUp } })([repeated], "asker");
    assert.ok(waitedMs !== undefined && waitedMs > waitMs / 2, `${waitedMs} ms`);
  });
});

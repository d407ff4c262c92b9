import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type ManualRun, type ManualRuns, manualRuns } from "./manual-runs.ts";

const LIMIT = 3;
const TASK = "66f2a1b00a1b2c3d4e5f6070";

describe("runs by hand", () => {
  let now: number;
  let epoch: number;
  let reads: string[];
  let stored: readonly ManualRun[];
  let runs: ManualRuns;
  let dispatched: string[];
  beforeEach(() => {
    now = 1_000_000;
    epoch = 1;
    reads = [];
    stored = [];
    dispatched = [];
    runs = limited(LIMIT);
  });

  const limited = (perMinute: number) =>
    manualRuns({
      perMinute,
      clock: { now: () => now },
      epoch: () => epoch,
      recent: async (taskId) => {
        reads.push(taskId);
        return stored;
      },
    });
  const run = (runId: string, taskId = TASK) =>
    runs.admit({ taskId, runId }, async () => {
      dispatched.push(runId);
      return runId;
    });
  const refusal = (retryAfterMs: number) => ({
    type: "RATE_LIMITED",
    code: 429,
    data: { taskId: TASK, limit: LIMIT, retryAfterMs },
  });

  it("are admitted up to the limit within any minute", async () => {
    for (const id of ["a", "b", "c"]) {
      await run(id);
      now += 1000;
    }
    await assert.rejects(run("d"), refusal(57_000));
    now += 57_000 - 1;
    await assert.rejects(run("d"), refusal(1));
    now += 1;
    await run("d");
    await assert.rejects(run("e"), refusal(1000));
    assert.deepEqual(dispatched, ["a", "b", "c", "d"]);
  });

  it("are admitted up to the limit if they arrive at the same time", async () => {
    const all = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => run(String(at))));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, LIMIT);
    assert.deepEqual(reads, [TASK]);
  });

  it("are limited per task", async () => {
    for (const id of ["a", "b", "c"]) await run(id);
    await run("d", "66f2a1b00a1b2c3d4e5f6071");
  });

  it("count once if the same command is repeated", async () => {
    for (const id of ["a", "b", "c", "a", "c"]) await run(id);
    assert.equal(dispatched.length, 5);
  });

  it("do not count if they fail", async () => {
    const failing = () =>
      runs.admit({ taskId: TASK, runId: "x" }, () => Promise.reject(new Error("no such task")));
    for (let tries = 0; tries < LIMIT + 1; tries++) await assert.rejects(failing(), /no such task/);
    await run("a");
  });

  it("of an earlier scheduler count, even if this one was active before it", async () => {
    await run("a");
    stored = ["a", "b", "c"].map((runId) => ({ runId, at: now + 1 }));
    epoch = 2;
    now += 2;
    await assert.rejects(run("d"), refusal(59_999));
    await run("c");
  });

  it("are read again after the store has failed", async () => {
    let isUnavailable = true;
    const unsteady = manualRuns({
      perMinute: LIMIT,
      clock: { now: () => now },
      epoch: () => epoch,
      recent: async () => {
        if (isUnavailable) throw new Error("unavailable");
        return [];
      },
    });
    const admit = () => unsteady.admit({ taskId: TASK, runId: "a" }, async () => "done");
    await assert.rejects(admit(), /unavailable/);
    isUnavailable = false;
    assert.equal(await admit(), "done");
  });

  it("are not rejected for long after the clock was set back", async () => {
    for (const id of ["a", "b", "c"]) await run(id);
    now -= 3_600_000;
    await run("d");
  });

  it("are removed from memory after a minute", async () => {
    await run("a");
    now += 61_000;
    await run("b", "66f2a1b00a1b2c3d4e5f6071");
    await run("c");
    assert.deepEqual(reads, [TASK, "66f2a1b00a1b2c3d4e5f6071", TASK]);
  });

  it("have no limit if it is 0", async () => {
    runs = limited(0);
    for (let at = 0; at < 100; at++) await run(String(at));
    assert.deepEqual(reads, []);
  });
});

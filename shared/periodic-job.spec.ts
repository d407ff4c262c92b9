import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLog } from "../test/silent-log.ts";
import { createPeriodicJob } from "./periodic-job.ts";

const failure = "it went wrong";

describe("rounds of work", () => {
  it("follow each other, one at a time, also after one that failed", async () => {
    const faults: object[] = [];
    const third = Promise.withResolvers<void>();
    let begun = 0;
    let atOnce = 0;
    const rounds = createPeriodicJob({
      everyMs: 1,
      async work() {
        begun += 1;
        atOnce += 1;
        assert.equal(atOnce, 1);
        await new Promise(setImmediate);
        atOnce -= 1;
        if (begun === 1) throw new Error("the store is away");
        if (begun === 3) third.resolve();
      },
      log: { ...silentLog, warn: (fields, message) => void faults.push([fields, message]) },
      failure,
    });
    rounds.start();
    await third.promise;
    await rounds.stop();
    assert.deepEqual(faults, [[{ reason: "the store is away" }, failure]]);
  });

  it("end with the one under way, which is told", async () => {
    const [begun, release] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
    const rounds = createPeriodicJob({
      everyMs: 1,
      async work(stopping) {
        begun.resolve(stopping);
        await release.promise;
      },
      log: silentLog,
      failure,
    });
    rounds.start();
    const stopping = await begun.promise;
    let isStopped = false;
    const stopped = rounds.stop().then(() => {
      isStopped = true;
    });
    assert.equal(stopping.aborted, true);
    await new Promise(setImmediate);
    assert.equal(isStopped, false);
    release.resolve();
    await stopped;
  });

  it("do not begin where they are stopped before", async () => {
    const rounds = createPeriodicJob({
      everyMs: 1,
      work: () => assert.fail("begun"),
      log: silentLog,
      failure,
    });
    await rounds.stop();
    rounds.start();
    await new Promise(setImmediate);
  });
});

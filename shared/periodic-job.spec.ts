import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLog } from "../test/silent-log.ts";
import { createPeriodicJob } from "./periodic-job.ts";

const failure = "it went wrong";

describe("a periodic job", () => {
  it("runs one execution at a time and continues after a failure", async () => {
    const faults: object[] = [];
    const third = Promise.withResolvers<void>();
    let begun = 0;
    let atOnce = 0;
    const job = createPeriodicJob({
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
    job.start();
    await third.promise;
    await job.stop();
    assert.deepEqual(faults, [[{ reason: "the store is away" }, failure]]);
  });

  it("stops after the current execution, which is aborted", async () => {
    const [begun, release] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
    const job = createPeriodicJob({
      everyMs: 1,
      async work(stopping) {
        begun.resolve(stopping);
        await release.promise;
      },
      log: silentLog,
      failure,
    });
    job.start();
    const stopping = await begun.promise;
    let isStopped = false;
    const stopped = job.stop().then(() => {
      isStopped = true;
    });
    assert.equal(stopping.aborted, true);
    await new Promise(setImmediate);
    assert.equal(isStopped, false);
    release.resolve();
    await stopped;
  });

  it("does not start if it was stopped before", async () => {
    const job = createPeriodicJob({
      everyMs: 1,
      work: () => assert.fail("begun"),
      log: silentLog,
      failure,
    });
    await job.stop();
    job.start();
    await new Promise(setImmediate);
  });
});

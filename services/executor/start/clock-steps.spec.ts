import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ExecutorFixture } from "../executor.fixture.ts";
import { defineHandler } from "../handler/define-handler.ts";

const HOUR_MS = 3_600_000;

describe("an executor whose wall clock is set", () => {
  let offset: number;
  let fixture: ExecutorFixture;
  const step = (ms: number) =>
    defineHandler({
      name: `t.step${ms}`,
      title: "Has the clock set while it runs",
      params: {},
      async run(_, { signal }) {
        offset += ms;
        // Longer than any timer of the executor waits before it looks at its clock again.
        await sleep(1500, undefined, { signal });
      },
    });
  beforeEach(async () => {
    offset = 0;
    const clock = { now: () => Date.now() + offset };
    fixture = await new ExecutorFixture({ handlers: [step(HOUR_MS), step(-HOUR_MS)], clock }).start();
  });
  afterEach(() => fixture.stop());

  it("does not time out an attempt within its limit", async () => {
    const event = await fixture.run({ handler: `t.step${HOUR_MS}`, timeoutMs: HOUR_MS / 2 });
    assert.equal(event.type, "run.succeeded");
  });

  it("times out an attempt beyond its limit", async () => {
    const event = await fixture.run({ handler: `t.step${-HOUR_MS}`, timeoutMs: 200 });
    assert.equal(event.type, "run.timed_out");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CallingOptions } from "moleculer";
import {
  CONFIRM_TIMEOUT_MAX_MS,
  CONFIRM_TIMEOUT_MS,
  VERDICT_ARRIVAL_MS,
} from "../../../shared/contracts/start-rules.ts";
import { objectId } from "../../../shared/ids.ts";
import { confirmRuns } from "./confirm-runs.ts";

describe("a confirmation of runs", { concurrency: true }, () => {
  const runs = [1, 2].map(() => ({ taskId: objectId(), runId: objectId(), mayHaveEnded: true }));
  const verdicts = ["wanted", "revoked"];

  /** Returns the verdicts of a scheduler that responds after `afterMs` and reads the tasks at the beginning or at the end. */
  const verdictsOf = (afterMs: number, readsAt: "beginning" | "end") =>
    confirmRuns({
      async call() {
        const requestedAt = performance.now();
        await delay(afterMs);
        return { verdicts, waitedMs: readsAt === "end" ? performance.now() - requestedAt : 0 };
      },
    })(runs);

  it("uses verdicts that took long, but none about an older state", async () => {
    const slowMs = VERDICT_ARRIVAL_MS + 50;
    const [late, fresh] = await Promise.all([verdictsOf(slowMs, "beginning"), verdictsOf(slowMs, "end")]);
    assert.deepEqual(late, { verdicts: ["unknown", "revoked"], cancelled: [] });
    assert.deepEqual(fresh, { verdicts, cancelled: [] });
  });

  it("has more time after each timeout, and the usual time after a response", async () => {
    const given: (number | null | undefined)[] = [];
    let isSlow = true;
    const confirm = confirmRuns({
      async call(_name: string, _params?: unknown, options?: CallingOptions) {
        given.push(options?.timeout);
        if (isSlow) throw Object.assign(new Error("no response"), { type: "REQUEST_TIMEOUT" });
        return { verdicts, waitedMs: 0 };
      },
    });
    for (let n = 0; n < 4; n++) await assert.rejects(confirm(runs), { type: "CONFIRM_UNAVAILABLE" });
    isSlow = false;
    for (let n = 0; n < 2; n++) assert.deepEqual(await confirm(runs), { verdicts, cancelled: [] });
    assert.deepEqual(given, [
      CONFIRM_TIMEOUT_MS,
      2 * CONFIRM_TIMEOUT_MS,
      CONFIRM_TIMEOUT_MAX_MS,
      CONFIRM_TIMEOUT_MAX_MS,
      CONFIRM_TIMEOUT_MAX_MS,
      CONFIRM_TIMEOUT_MS,
    ]);
  });
});

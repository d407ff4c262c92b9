import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeExcess, watchBudget } from "./budget.ts";
import { startMongoThread } from "./start-mongo-thread.ts";

const MIB = 2 ** 20;

describe("the embedded server's budget", () => {
  it("names what exceeds the budget, and by how much", () => {
    assert.equal(describeExcess({ memory: 5 * MIB, log: 5 * MIB }, 5 * MIB), null);
    assert.equal(
      describeExcess({ memory: 7 * MIB, log: 0 }, 5 * MIB),
      "memory holds 7 MiB, more than the budget of 5 MiB",
    );
    assert.equal(
      describeExcess({ memory: 7 * MIB, log: 6 * MIB }, 5 * MIB),
      "memory holds 7 MiB and the log takes 6 MiB, more than the budget of 5 MiB",
    );
  });

  it("is reported when usage starts and stops to exceed it, and not in between", () => {
    const reports: (string | null)[] = [];
    const check = watchBudget(5 * MIB, (reason) => void reports.push(reason));
    for (const mib of [1, 6, 7, 4.8, 4, 3, 9]) check({ memory: 0, log: mib * MIB });
    assert.deepEqual(reports, [
      "the log takes 6 MiB, more than the budget of 5 MiB",
      null,
      "the log takes 9 MiB, more than the budget of 5 MiB",
    ]);
  });

  it("is watched by a server in a thread", async () => {
    const reported = Promise.withResolvers<string | null>();
    const thread = await startMongoThread({ memory: true, budgetBytes: MIB, onBudget: reported.resolve });
    try {
      assert.match(String(await reported.promise), /^memory holds \d+ MiB, more than the budget of 1 MiB$/);
      assert.equal(thread.overBudget(), await reported.promise);
    } finally {
      await thread.close();
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outgrown, watchBudget } from "./budget.ts";
import { startMongoThread } from "./start-mongo-thread.ts";

const MIB = 2 ** 20;

describe("the embedded server's budget", () => {
  it("names what has outgrown it, and by how much", () => {
    assert.equal(outgrown({ memory: 5 * MIB, log: 5 * MIB }, 5 * MIB), null);
    assert.equal(
      outgrown({ memory: 7 * MIB, log: 0 }, 5 * MIB),
      "memory holds 7 MiB, more than the budget of 5 MiB",
    );
    assert.equal(
      outgrown({ memory: 7 * MIB, log: 6 * MIB }, 5 * MIB),
      "memory holds 7 MiB and the log takes 6 MiB, more than the budget of 5 MiB",
    );
  });

  it("is told of when it begins and when it ceases to be exceeded, and not again between", () => {
    const told: (string | null)[] = [];
    const look = watchBudget(5 * MIB, (reason) => void told.push(reason));
    for (const mib of [1, 6, 7, 4.8, 4, 3, 9]) look({ memory: 0, log: mib * MIB });
    assert.deepEqual(told, [
      "the log takes 6 MiB, more than the budget of 5 MiB",
      null,
      "the log takes 9 MiB, more than the budget of 5 MiB",
    ]);
  });

  it("is watched by a server in its thread", async () => {
    const told = Promise.withResolvers<string | null>();
    const thread = await startMongoThread({ memory: true, budgetBytes: MIB, onBudget: told.resolve });
    try {
      assert.match(String(await told.promise), /^memory holds \d+ MiB, more than the budget of 1 MiB$/);
      assert.equal(thread.overBudget(), await told.promise);
    } finally {
      await thread.close();
    }
  });
});

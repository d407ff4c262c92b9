import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenTransactions } from "./open-transactions.ts";

describe("an open transaction", () => {
  it("keeps its floor until it ends, in every state", () => {
    const transactions = new OpenTransactions();
    transactions.begin("a", 1);
    transactions.begin("b", 2);
    transactions.to("delayed", "a");
    transactions.to("unknown", "b");
    assert.deepEqual([...transactions.floors()], ["a", "b"]);
    transactions.end("a");
    assert.deepEqual([[...transactions.floors()], transactions.size], [["b"], 1]);
  });

  it("delays the outbox from when its caller no longer waits until its outcome is reported", () => {
    const transactions = new OpenTransactions();
    for (const floor of ["a", "b"]) {
      transactions.begin(floor, 1);
      transactions.to("delayed", floor);
    }
    assert.equal(transactions.delayed, 2);
    transactions.to("unknown", "a");
    assert.equal(transactions.delayed, 1);
    transactions.end("b");
    assert.equal(transactions.delayed, 0);
  });

  it("does not return after its end", () => {
    const transactions = new OpenTransactions();
    transactions.begin("a", 1);
    transactions.end("a");
    transactions.to("delayed", "a");
    transactions.end("a");
    assert.deepEqual([transactions.size, transactions.delayed], [0, 0]);
  });

  it("is as old as the oldest that has not ended", () => {
    const transactions = new OpenTransactions();
    assert.equal(transactions.oldestBegunAt(), undefined);
    transactions.begin("a", 1);
    transactions.begin("b", 2);
    transactions.to("delayed", "a");
    assert.equal(transactions.oldestBegunAt(), 1);
    transactions.end("a");
    assert.equal(transactions.oldestBegunAt(), 2);
  });
});

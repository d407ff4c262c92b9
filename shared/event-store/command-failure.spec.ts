import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONFLICT_TRIES, DeadlinePassed, dispositionOf } from "./command-failure.ts";
import { OutboxFull, StoreUnavailable, StreamConflict } from "./event-store.ts";

const conflict = new StreamConflict(undefined);
const fault = new RangeError("a document cannot be read");
const first = { tries: 1, items: 3 };

describe("a batch that could not be committed", () => {
  it("is retried after a conflict, five times in all", () => {
    for (let tries = 1; tries < CONFLICT_TRIES; tries++)
      assert.equal(dispositionOf(conflict, { tries, items: 3 }), "retry");
    assert.equal(dispositionOf(conflict, { tries: CONFLICT_TRIES, items: 3 }), "split");
    assert.equal(dispositionOf(conflict, { tries: CONFLICT_TRIES, items: 1 }), "reject");
  });

  it("is split after an error that may concern one item only", () => {
    assert.equal(dispositionOf(fault, first), "split");
    assert.equal(dispositionOf(fault, { tries: 1, items: 1 }), "reject");
  });

  it("is rejected as a whole while the store is unavailable: every item would fail", () => {
    assert.equal(dispositionOf(new StoreUnavailable(undefined), first), "reject");
  });

  it("loses the items that may append while the outbox is full", () => {
    assert.equal(dispositionOf(new OutboxFull(), first), "drop-appends");
  });

  it("is decided again after a deadline passed, however often", () => {
    assert.equal(dispositionOf(new DeadlinePassed(), { tries: CONFLICT_TRIES, items: 1 }), "retry");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiringMap } from "./expiring-map.ts";

function setUp(limit: number) {
  const time = { now: 1000 };
  return { time, ids: expiringMap<true>({ now: () => time.now }, { keepMs: 100, limit }) };
}

describe("ids in an expiring map", () => {
  it("are kept for the given time, and dropped after at most twice that", () => {
    const { time, ids } = setUp(1000);
    time.now += 90;
    ids.set("a", true);
    time.now += 100;
    assert.equal(ids.get("a"), true);
    time.now += 100;
    assert.equal(ids.get("a"), undefined);
    assert.equal(ids.get("b"), undefined);
  });

  it("are dropped even after a long time without a lookup", () => {
    const { time, ids } = setUp(1000);
    ids.set("a", true);
    time.now += 1000;
    assert.equal(ids.get("a"), undefined);
  });

  it("are dropped early, oldest first, if there are too many", () => {
    const { ids } = setUp(10);
    for (let index = 0; index < 25; index++) ids.set(`id-${index}`, true);
    assert.equal(ids.get("id-0"), undefined);
    assert.equal(ids.get("id-24"), true);
    assert.equal(ids.get("id-15"), true);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiringIds } from "./expiring-ids.ts";

function setUp(limit: number) {
  const time = { now: 1000 };
  return { time, ids: expiringIds({ now: () => time.now }, { keepMs: 100, limit }) };
}

describe("expiring ids", () => {
  it("are remembered for as long as promised, and forgotten by twice that", () => {
    const { time, ids } = setUp(1000);
    time.now += 90;
    ids.add("a");
    time.now += 100;
    assert.equal(ids.has("a"), true);
    time.now += 100;
    assert.equal(ids.has("a"), false);
    assert.equal(ids.has("b"), false);
  });

  it("are forgotten even where nothing was asked for long", () => {
    const { time, ids } = setUp(1000);
    ids.add("a");
    time.now += 1000;
    assert.equal(ids.has("a"), false);
  });

  it("the oldest leave early where too many come", () => {
    const { ids } = setUp(10);
    for (let index = 0; index < 25; index++) ids.add(`id-${index}`);
    assert.equal(ids.has("id-0"), false);
    assert.equal(ids.has("id-24"), true);
    assert.equal(ids.has("id-15"), true);
  });
});

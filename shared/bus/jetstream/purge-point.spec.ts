import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstToKeep } from "./purge-point.ts";

const stream = { first_seq: 1001, last_seq: 2000 };
const nearlyFull = { isNearlyFull: true, aged: 0 };
const at = (...handled: number[]) => handled.map((each) => ({ handled: each }));

describe("the first event that stays in the stream", () => {
  it("is in its middle when every group keeps up", () =>
    assert.equal(firstToKeep(stream, at(2000, 1990), nearlyFull), 1501));

  it("is a quarter of the stream before the first unhandled event", () =>
    assert.equal(firstToKeep(stream, at(2000, 1700), nearlyFull), 1451));

  it("is the oldest one when a group is too far behind or has never subscribed", () => {
    assert.equal(firstToKeep(stream, at(2000, 1250), nearlyFull), undefined);
    assert.equal(firstToKeep(stream, at(2000, 0), nearlyFull), undefined);
  });

  it("is the oldest one when a purge would free little", () =>
    assert.equal(firstToKeep(stream, at(2000, 1300), nearlyFull), undefined));

  it("is the first one below the maximum age when there is room", () =>
    assert.equal(firstToKeep(stream, at(2000), { isNearlyFull: false, aged: 1200 }), 1200));

  it("is not within the last quarter, whatever its age", () =>
    assert.equal(firstToKeep(stream, at(2000), { isNearlyFull: false, aged: 2000 }), 1751));

  it("is the only one", () =>
    assert.equal(
      firstToKeep({ first_seq: 7, last_seq: 7 }, at(7), { isNearlyFull: true, aged: 7 }),
      undefined,
    ));

  it("does not exist in an empty stream", () =>
    assert.equal(firstToKeep({ first_seq: 8, last_seq: 7 }, at(7), nearlyFull), undefined));
});

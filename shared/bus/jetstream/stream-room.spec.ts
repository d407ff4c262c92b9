import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstToKeep } from "./stream-room.ts";

const stream = { first_seq: 1001, last_seq: 2000 };
const crowded = { isCrowded: true, aged: 0 };
const at = (...handled: number[]) => handled.map((each) => ({ handled: each }));

describe("the first event that stays in the stream", () => {
  it("is in its middle where every group keeps up", () =>
    assert.equal(firstToKeep(stream, at(2000, 1990), crowded), 1501));

  it("is a quarter of the stream before what some group has not handled", () =>
    assert.equal(firstToKeep(stream, at(2000, 1700), crowded), 1451));

  it("is the first one where a group is too far behind, or has never come", () => {
    assert.equal(firstToKeep(stream, at(2000, 1250), crowded), undefined);
    assert.equal(firstToKeep(stream, at(2000, 0), crowded), undefined);
  });

  it("is the first one where little would be gained", () =>
    assert.equal(firstToKeep(stream, at(2000, 1300), crowded), undefined));

  it("is the first one young enough where there is room", () =>
    assert.equal(firstToKeep(stream, at(2000), { isCrowded: false, aged: 1200 }), 1200));

  it("is not younger than the last quarter, however old that is", () =>
    assert.equal(firstToKeep(stream, at(2000), { isCrowded: false, aged: 2000 }), 1751));

  it("is the only one", () =>
    assert.equal(firstToKeep({ first_seq: 7, last_seq: 7 }, at(7), { isCrowded: true, aged: 7 }), undefined));

  it("is none in an empty stream", () =>
    assert.equal(firstToKeep({ first_seq: 8, last_seq: 7 }, at(7), crowded), undefined));
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstToKeep } from "./jetstream-janitor.ts";

const stream = { first_seq: 101, last_seq: 200 };
const group = (floor: number, waiting: number) => ({
  ack_floor: { stream_seq: floor },
  num_pending: waiting,
  num_ack_pending: 0,
});

describe("making room in the stream", () => {
  it("takes away the older half where every group has handled it", () =>
    assert.equal(firstToKeep(stream, [group(200, 0), group(170, 30)]), 151));

  it("takes away nothing that a group has not handled", () =>
    assert.equal(firstToKeep(stream, [group(200, 0), group(120, 80)]), 121));

  it("is not held back by a group that waits for nothing, however old its last event", () =>
    assert.equal(firstToKeep(stream, [group(3, 0), group(200, 0)]), 151));

  it("is held back by events that were handed out and not settled", () =>
    assert.equal(firstToKeep(stream, [{ ...group(110, 0), num_ack_pending: 2 }]), 111));

  it("says when there is nothing to take away", () =>
    assert.equal(firstToKeep(stream, [group(100, 100)]), null));
});

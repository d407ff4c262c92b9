import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkpointOf, MAX_PENDING } from "./outbox-position.ts";

const id = (n: number) => n.toString(16).padStart(8, "0");
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => id(from + n));

describe("an outbox's checkpoint", () => {
  it("reaches the newest event when the bus has them all", () =>
    assert.deepEqual(checkpointOf({ highWater: id(9), openFloors: [], unaccepted: [] }), {
      position: id(9),
      pending: [],
    }));

  it("names what the bus does not have yet, so that one long run does not hold it back", () =>
    assert.deepEqual(checkpointOf({ highWater: id(9), openFloors: [], unaccepted: [id(7), id(3)] }), {
      position: id(9),
      pending: [id(3), id(7)],
    }));

  it("passes no open transaction: its events may still be committed with ids above its floor", () =>
    assert.deepEqual(
      checkpointOf({ highWater: id(9), openFloors: [id(8), id(5)], unaccepted: [id(3), id(7)] }),
      {
        position: id(5),
        pending: [id(3)],
      },
    ));

  it("stays small: it stops where too much is pending", () => {
    const { position, pending } = checkpointOf({
      highWater: id(5000),
      openFloors: [],
      unaccepted: ids(1, 5000),
    });
    assert.equal(pending.length, MAX_PENDING);
    assert.equal(position, id(MAX_PENDING));
  });

  it("loses nothing in any state: each unaccepted event is pending or after the checkpoint", () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 100_000);
    let state = seed;
    const random = (limit: number) => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      return state % limit;
    };
    for (let round = 0; round < 500; round++) {
      const highWater = 1 + random(3000);
      const unaccepted = ids(1, highWater).filter(() => random(3) === 0);
      const openFloors = random(2) === 0 ? [] : [id(random(highWater + 1))];
      const { position, pending } = checkpointOf({ highWater: id(highWater), openFloors, unaccepted });
      const named = new Set(pending);
      for (const event of unaccepted)
        assert.ok(named.has(event) || event > position, `seed ${seed}: ${event} is lost`);
      for (const floor of openFloors)
        assert.ok(position <= floor, `seed ${seed}: passes an open transaction`);
    }
  });
});

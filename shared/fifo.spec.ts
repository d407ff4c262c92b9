import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fifo } from "./fifo.ts";

const filled = <T>(...items: T[]): Fifo<T> => {
  const fifo = new Fifo<T>();
  for (const item of items) fifo.push(item);
  return fifo;
};

describe("a first-in, first-out queue", () => {
  it("returns items in the order of their addition, then undefined", () => {
    const fifo = filled(1, 2);
    assert.equal(fifo.shift(), 1);
    fifo.push(3);
    assert.deepEqual([fifo.first(), fifo.size], [2, 2]);
    assert.deepEqual([fifo.shift(), fifo.shift(), fifo.shift(), fifo.first()], [2, 3, undefined, undefined]);
    assert.equal(fifo.size, 0);
  });

  it("keeps the order while thousands of items are added and removed", () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 100; round++) {
      for (let n = 0; n < 100; n++) fifo.push(pushed++);
      for (const item of fifo.take(round < 50 ? 60 : 140)) assert.equal(item, taken++);
      assert.equal(fifo.size, pushed - taken);
    }
    assert.deepEqual([taken, fifo.size], [10_000, 0]);
  });

  it("removes no more items than there are", () => {
    const fifo = filled(1, 2, 3);
    assert.deepEqual(fifo.take(2), [1, 2]);
    assert.deepEqual(fifo.take(5), [3]);
    assert.deepEqual(fifo.take(5), []);
  });

  it("inserts items at the front and between others", () => {
    const fifo = filled(1, 2, 5, 6);
    assert.deepEqual(fifo.take(2), [1, 2]);
    fifo.putFirst([1, 2]);
    fifo.insert(4, (other) => other > 4);
    fifo.insert(7, (other) => other > 7);
    assert.deepEqual(fifo.drain(), [1, 2, 4, 5, 6, 7]);
    assert.equal(fifo.size, 0);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HeapEntry, MinHeap } from "./min-heap.ts";

interface Named extends HeapEntry {
  readonly name: number;
}
const entry = (at: number, name = at): Named => ({ at, name, sequence: 0, position: -1 });
const drained = (heap: MinHeap<Named>): number[] => {
  const names: number[] = [];
  for (let next = heap.take(); next; next = heap.take()) names.push(next.name);
  return names;
};

describe("min-heap", () => {
  it("returns the smallest entry first, and equal ones in the order of their addition", () => {
    const heap = new MinHeap<Named>();
    const instants = Array.from({ length: 500 }, (_, index) => (index * 7919) % 50);
    instants.forEach((at, index) => {
      heap.add(entry(at, index));
    });
    const expected = instants
      .map((at, index) => ({ at, index }))
      .sort((a, b) => a.at - b.at || a.index - b.index);
    assert.deepEqual(
      drained(heap),
      expected.map(({ index }) => index),
    );
  });

  it("removes any entry, once", () => {
    const heap = new MinHeap<Named>();
    const entries = Array.from({ length: 200 }, (_, index) => entry((index * 7919) % 200));
    for (const each of entries) heap.add(each);
    const [out, stay] = [
      entries.filter((_, index) => index % 3 === 0),
      entries.filter((_, index) => index % 3),
    ];
    for (const each of out) assert.equal(heap.remove(each), true);
    for (const each of out) assert.equal(heap.remove(each), false);
    assert.equal(heap.size, stay.length);
    assert.deepEqual(
      drained(heap),
      stay.map(({ at }) => at).sort((a, b) => a - b),
    );
  });

  it("does not remove an entry of another heap", () => {
    const heap = new MinHeap<Named>();
    const other = new MinHeap<Named>();
    const foreign = entry(1);
    other.add(foreign);
    heap.add(entry(2));
    assert.equal(heap.remove(foreign), false);
    assert.equal(heap.size, 1);
  });
});

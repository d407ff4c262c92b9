import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BatchLanes, createBatchLanes, type LaneItem } from "./batch-lanes.ts";

interface Named extends LaneItem {
  readonly name: string;
}
const item = (name: string, ...keys: string[]): Named => ({ name, keys });

/** Lanes whose batches end when the test says so. */
function lanesUnderTest(lanes: number, maxKeys = 100) {
  const begun: string[][] = [];
  const ends: (() => void)[] = [];
  let look = () => {};
  const under: BatchLanes<Named> = createBatchLanes({
    lanes,
    maxKeys,
    work: (batch) =>
      new Promise((resolve) => {
        begun.push(batch.map(({ name }) => name));
        ends.push(resolve);
        look();
      }),
  });
  const batches = (count: number) =>
    new Promise<void>((resolve) => {
      look = () => begun.length >= count && resolve();
      look();
    });
  return { under, begun, end: (index: number) => ends[index]?.(), batches };
}

describe("batch lanes", () => {
  it("work off together what arrives together, and the rest with the next batch", async () => {
    const { under, begun, end, batches } = lanesUnderTest(1);
    under.add(item("a", "1"));
    under.add(item("b", "2"));
    await batches(1);
    under.add(item("c", "3"));
    under.add(item("d", "4"));
    end(0);
    await batches(2);
    assert.deepEqual(begun, [
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("work side by side on different keys", async () => {
    const { under, begun, batches } = lanesUnderTest(2);
    under.add(item("a", "1"));
    await batches(1);
    under.add(item("b", "2"));
    await batches(2);
    assert.deepEqual(begun, [["a"], ["b"]]);
  });

  it("keep the order of items that share a key, also across a third that shares one with each", async () => {
    const { under, begun, end, batches } = lanesUnderTest(2);
    under.add(item("a", "1"));
    await batches(1);
    under.add(item("b", "1", "2"));
    under.add(item("c", "2"));
    under.add(item("d", "3"));
    await batches(2);
    assert.deepEqual(begun[1], ["d"]);
    end(0);
    await batches(3);
    assert.deepEqual(begun[2], ["b", "c"]);
  });

  it("bound a batch", async () => {
    const { under, begun, end, batches } = lanesUnderTest(1, 2);
    for (const name of ["a", "b", "c"]) under.add(item(name, name));
    await batches(1);
    end(0);
    await batches(2);
    assert.deepEqual(begun, [["a", "b"], ["c"]]);
  });

  it("say when they are idle", async () => {
    const { under, end, batches } = lanesUnderTest(1);
    await under.idle();
    under.add(item("a", "1"));
    const idle = under.idle();
    await batches(1);
    end(0);
    await idle;
  });
});

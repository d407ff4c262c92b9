import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGroupCommit, type GroupCommit, type GroupItem } from "./group-commit.ts";

interface Named extends GroupItem {
  readonly name: string;
}
const item = (name: string, ...keys: string[]): Named => ({ name, keys });

/** A group commit whose transactions end when the test ends them. */
function groupCommitUnderTest(concurrency: number, maxKeys = 100) {
  const begun: string[][] = [];
  const ends: (() => void)[] = [];
  let look = () => {};
  const under: GroupCommit<Named> = createGroupCommit({
    concurrency,
    maxKeys,
    commit: (group) =>
      new Promise((resolve) => {
        begun.push(group.map(({ name }) => name));
        ends.push(resolve);
        look();
      }),
  });
  const groups = (count: number) =>
    new Promise<void>((resolve) => {
      look = () => begun.length >= count && resolve();
      look();
    });
  return { under, begun, end: (index: number) => ends[index]?.(), groups };
}

describe("group commit", () => {
  it("commits together what arrives together, and later items with the next group", async () => {
    const { under, begun, end, groups } = groupCommitUnderTest(1);
    under.add(item("a", "1"));
    under.add(item("b", "2"));
    await groups(1);
    under.add(item("c", "3"));
    under.add(item("d", "4"));
    end(0);
    await groups(2);
    assert.deepEqual(begun, [
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("commits groups with different keys at the same time", async () => {
    const { under, begun, groups } = groupCommitUnderTest(2);
    under.add(item("a", "1"));
    await groups(1);
    under.add(item("b", "2"));
    await groups(2);
    assert.deepEqual(begun, [["a"], ["b"]]);
  });

  it("keeps the order of items that share a key, also through a third item that shares a key with each", async () => {
    const { under, begun, end, groups } = groupCommitUnderTest(2);
    under.add(item("a", "1"));
    await groups(1);
    under.add(item("b", "1", "2"));
    under.add(item("c", "2"));
    under.add(item("d", "3"));
    await groups(2);
    assert.deepEqual(begun[1], ["d"]);
    end(0);
    await groups(3);
    assert.deepEqual(begun[2], ["b", "c"]);
  });

  it("limits the keys of a group", async () => {
    const { under, begun, end, groups } = groupCommitUnderTest(1, 2);
    for (const name of ["a", "b", "c"]) under.add(item(name, name));
    await groups(1);
    end(0);
    await groups(2);
    assert.deepEqual(begun, [["a", "b"], ["c"]]);
  });

  it("resolves idle() when nothing waits and nothing is being committed", async () => {
    const { under, end, groups } = groupCommitUnderTest(1);
    await under.idle();
    under.add(item("a", "1"));
    const idle = under.idle();
    await groups(1);
    end(0);
    await idle;
  });
});

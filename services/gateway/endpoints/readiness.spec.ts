import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ReadinessSources, readinessOf } from "./readiness.ts";

const sound: ReadinessSources = {
  requiredServices: ["scheduler", "records"],
  isServiceAvailable: () => true,
  isBusConnected: () => true,
  busProblem: () => undefined,
  leader: async () => ({ node: "node-1", problem: null, skipping: [] }),
  more: async () => [{ name: "mongodb", ok: true }],
};
const missing = async (part: Partial<ReadinessSources>) =>
  (await readinessOf({ ...sound, ...part }, 50)).filter(({ ok }) => !ok);

describe("readinessOf", () => {
  it("lists everything that is there", async () => {
    assert.deepEqual(
      (await readinessOf(sound, 50)).map(({ name, ok }) => [name, ok]),
      [
        ["scheduler", true],
        ["records", true],
        ["bus", true],
        ["scheduler leader", true],
        ["mongodb", true],
      ],
    );
  });

  it("checks no bus where none is configured, and no leader where scheduling is switched off", async () => {
    const checks = await readinessOf({ ...sound, isBusConnected: () => undefined, leader: undefined }, 50);
    assert.deepEqual(
      checks.map(({ name }) => name),
      ["scheduler", "records", "mongodb"],
    );
  });

  const rows: readonly [Partial<ReadinessSources>, name: string, reason: string][] = [
    [{ isServiceAvailable: (name) => name !== "records" }, "records", "no running instance is known"],
    [{ isBusConnected: () => false }, "bus", "not connected"],
    [
      { leader: async () => ({ node: null, problem: null, skipping: [] }) },
      "scheduler leader",
      "no scheduler holds the lease",
    ],
    [
      {
        leader: async () => ({ node: "node-1", problem: "the outcome of a commit is unknown", skipping: [] }),
      },
      "scheduler leader",
      "the outcome of a commit is unknown",
    ],
    [{ leader: () => new Promise(() => {}) }, "scheduler leader", "did not answer in time"],
    [
      { leader: () => Promise.reject(new Error("mongodb://user:hunter2@host")) },
      "scheduler leader",
      "could not be asked",
    ],
    [{ more: () => new Promise(() => {}) }, "checks", "did not answer in time"],
  ];
  for (const [part, name, reason] of rows) {
    it(`names ${name}: ${reason}`, async () => {
      assert.deepEqual(await missing(part), [{ name, ok: false, reason }]);
    });
  }

  it("warns of tasks that only skip, with the names of some", async () => {
    const skipping = Array.from({ length: 7 }, (_, n) => ({ taskId: `id-${n}`, name: `task-${n}` }));
    const leader = async () => ({ node: "node-1", problem: null, skipping });
    const checks = await readinessOf({ ...sound, leader }, 50);
    const { ok, warning } = checks.find(({ name }) => name === "scheduler leader") ?? {};
    assert.equal(ok, true);
    assert.match(warning ?? "", /only skip.*: task-0 \(id-0\), .*task-4 \(id-4\) and 2 more$/);
  });

  it("warns of a full bus, which is no reason to keep requests away", async () => {
    const warning = "the stream KINIT is full: records__run_all has 7 events to handle";
    const checks = await readinessOf({ ...sound, busProblem: () => warning }, 50);
    assert.deepEqual(
      checks.find(({ name }) => name === "bus"),
      { name: "bus", ok: true, warning },
    );
  });

  it("does not call an absent scheduler for its leader", async () => {
    const absent = await missing({
      isServiceAvailable: (name) => name !== "scheduler",
      leader: async () => ({ node: null, problem: null, skipping: [] }),
    });
    assert.deepEqual(
      absent.map(({ name }) => name),
      ["scheduler"],
    );
  });
});

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { ServiceBroker } from "moleculer";
import { systemClock as clock } from "../../../shared/clock.ts";
import { LATE_START_MS, VERDICT_MAX_AGE_MS } from "../../../shared/contracts/start-rules.ts";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { silentLog } from "../../../test/silent-log.ts";
import type { OpenRun } from "../task/task-state.ts";
import { executorDiscovery } from "./executor-discovery.ts";
import { createRevocation } from "./revocation.ts";

/** In seconds. */
const heartbeat = { heartbeatInterval: 0.1, heartbeatTimeout: 1 };

/** A scheduler's broker and two executors that revoke, or never respond; stopped when the test ends. */
async function network(test: TestContext) {
  const namespace = test.name;
  const called: string[] = [];
  const silent = new Set<string>();
  const broker = (nodeID: string) => {
    const made = new ServiceBroker({ namespace, nodeID, logger: false, transporter: "Fake", ...heartbeat });
    test.after(() => made.stop());
    return made;
  };
  const executor = (nodeID: string) => {
    const made = broker(nodeID);
    const revoke = async () => {
      called.push(nodeID);
      if (silent.has(nodeID)) await new Promise(() => {});
      return { started: [] };
    };
    made.createService({ name: "executor", actions: { revoke } });
    return made;
  };
  const scheduler = broker("scheduler");
  const executors = [executor("one"), executor("two")] as const;
  await Promise.all([scheduler, ...executors].map((each) => each.start()));
  const known = () => executors.every(({ nodeID }) => scheduler.registry.nodes.get(nodeID)?.available);
  await eventually(known);
  const complete = executorDiscovery(scheduler, 0);
  const revocationWith = (aheadMs: number) =>
    createRevocation({ broker: scheduler, discovery: complete, clock, log: silentLog, aheadMs });
  return {
    revocation: revocationWith(AHEAD_MS),
    revocationWith,
    scheduler,
    executors,
    called,
    silent,
  };
}

it("a scheduler that has just started waits for executors that it does not know yet", async (test) => {
  const broker = new ServiceBroker({ namespace: test.name, logger: false, transporter: "Fake" });
  test.after(() => broker.stop());
  const discovery = executorDiscovery(broker);
  await broker.start();
  const { revoke } = createRevocation({ broker, discovery, clock, log: silentLog, aheadMs: AHEAD_MS });
  const revokedAt = clock.now();
  await revoke(objectId(), [runIn(100)]);
  assert.ok(clock.now() - revokedAt >= VERDICT_MAX_AGE_MS);
});

const AHEAD_MS = 500;
const runIn = (ms: number): OpenRun => ({
  runId: objectId(),
  attempt: 1,
  plannedAt: clock.now() + ms,
  isRevoked: true,
});
const taskId = objectId();

// It takes a while until the brokers have discovered each other.
describe("a revocation", { concurrency: true }, () => {
  it("resolves when every executor has revoked, long before the planned time", async (test) => {
    const { revocation, called } = await network(test);
    const run = runIn(60_000);
    await revocation.revoke(taskId, [run]);
    assert.deepEqual(called.sort(), ["one", "two"]);
  });

  it("calls no executor if there is nothing to revoke", async (test) => {
    const { revocation, called } = await network(test);
    await revocation.revoke(taskId, []);
    assert.deepEqual(called, []);
  });

  it("waits until no run can start without a confirmation if an executor does not respond", async (test) => {
    const { revocation, silent } = await network(test);
    silent.add("two");
    const run = runIn(1300);
    await revocation.revoke(taskId, [run]);
    assert.ok(clock.now() > run.plannedAt + LATE_START_MS);
  });

  it("waits until earlier verdicts are outdated if the planned times have passed long ago", async (test) => {
    const { revocation, silent } = await network(test);
    silent.add("one");
    const calledAt = clock.now();
    await revocation.revoke(taskId, [runIn(-60_000)]);
    assert.ok(clock.now() - calledAt > VERDICT_MAX_AGE_MS);
  });

  it("revokes any number of runs", async (test) => {
    const { revocation, called } = await network(test);
    const run = runIn(60_000);
    await revocation.revoke(
      taskId,
      Array.from({ length: 2500 }, () => ({ ...run, runId: objectId() })),
    );
    assert.equal(called.length, 6);
  });

  it("waits for the planned time if an executor has disconnected: it may have the run in flight", async (test) => {
    const { revocation, revocationWith, scheduler, executors, called } = await network(test);
    // Only the connection ends: the node sends no disconnect message.
    await executors[1].transit?.tx.disconnect();
    await eventually(() => scheduler.registry.nodes.get("two")?.available === false);
    const run = runIn(300);
    // Dispatched long before, however late a busy machine notices that the executor is missing.
    await revocationWith(60_000).revoke(taskId, [run]);
    assert.deepEqual(called, ["one"]);
    assert.ok(clock.now() > run.plannedAt + LATE_START_MS);
    const later = runIn(60_000);
    await revocation.revoke(taskId, [later]);
    assert.ok(clock.now() < later.plannedAt, "the run was dispatched after that executor had disconnected");
  });

  it("resolves when the last of the planned times has passed", async (test) => {
    const { revocation } = await network(test);
    const [first, last] = [runIn(10), runIn(60)];
    await revocation.waitForPlannedTimes([last, first]);
    assert.ok(clock.now() > last.plannedAt);
    await revocation.waitForPlannedTimes([]);
  });
});

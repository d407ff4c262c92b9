import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Context, Errors, ServiceBroker } from "moleculer";
import { systemClock as clock } from "../../../shared/clock.ts";
import { type CommandRef, commandHeaders } from "../../../shared/contracts/command.ts";
import { eventually } from "../../../test/eventually.ts";
import { leaderCalls } from "./leader-calls.ts";

const taskId = "66f2a1b00a1b2c3d4e5f6070";
type Name = "scheduler.runNow" | "scheduler.pause";
const names = ["scheduler.runNow", "scheduler.pause"] as const;

/** A scheduler node that only counts its calls. With `hold` it never responds. */
class Node {
  readonly broker: ServiceBroker;
  readonly done: string[] = [];
  leader: string | null = null;
  isActive = false;
  hold = false;
  readonly commands: CommandRef[] = [];
  fails: Error | undefined;

  constructor(namespace: string, nodeID: string) {
    this.broker = new ServiceBroker({ namespace, nodeID, logger: false, transporter: "Fake" });
    const onLeader = leaderCalls({
      isActive: () => this.isActive,
      leader: () => this.leader,
      nodeId: nodeID,
      clock,
      waitMs: 500,
      commandMs: 60_000,
    });
    const handler = (name: Name) => (context: Context<{ taskId: string }>) =>
      onLeader(name, context, async (command) => {
        this.done.push(name);
        this.commands.push(command);
        if (this.fails) throw this.fails;
        if (this.hold) await new Promise(() => {});
        return { runId: nodeID, changed: true };
      });
    this.broker.createService({
      name: "scheduler",
      actions: Object.fromEntries(names.map((name) => [name.slice("scheduler.".length), handler(name)])),
    });
  }

  call(name: Name) {
    return this.broker.call(name, { taskId }, { nodeID: this.broker.nodeID });
  }
}

/** Two nodes that know each other, the second one active; stopped when the test ends. */
async function twoNodes(test: TestContext) {
  const namespace = test.name;
  const [standby, active] = [new Node(namespace, "standby"), new Node(namespace, "active")];
  test.after(() => Promise.all([standby, active].map(({ broker }) => broker.stop())));
  await Promise.all([standby.broker.start(), active.broker.start()]);
  active.isActive = true;
  standby.leader = "active";
  await eventually(() => standby.broker.registry.nodes.get("active")?.available === true);
  return { standby, active };
}

// It takes a while until the brokers have discovered each other.
describe("a changing call", { concurrency: true }, () => {
  it("is executed by the active node, independent of the node that receives it", async (test) => {
    const { standby, active } = await twoNodes(test);
    assert.deepEqual(await standby.call("scheduler.runNow"), { runId: "active", changed: true });
    assert.deepEqual(await active.call("scheduler.runNow"), { runId: "active", changed: true });
    assert.deepEqual([active.done.length, standby.done.length], [2, 0]);
  });

  it("waits while no node is active, and is rejected in the end", async (test) => {
    const { standby } = await twoNodes(test);
    standby.leader = null;
    const refusal = { type: "SCHEDULER_NO_LEADER", code: 503, retryable: true };
    await assert.rejects(standby.call("scheduler.runNow"), refusal);
    const called = standby.call("scheduler.pause");
    standby.isActive = true;
    await called;
    assert.deepEqual(standby.done, ["scheduler.pause"]);
  });

  it("is forwarded to the next leader if the first one does not respond", async (test) => {
    const { standby, active } = await twoNodes(test);
    active.hold = true;
    const called = standby.call("scheduler.pause");
    await eventually(() => active.done.length === 1);
    standby.leader = "standby";
    standby.isActive = true;
    assert.deepEqual(await called, { runId: "standby", changed: true });
    assert.deepEqual(standby.commands, active.commands);
  });

  it("is forwarded once, even if two nodes regard each other as the active one", async (test) => {
    const { standby, active } = await twoNodes(test);
    active.isActive = false;
    active.leader = "standby";
    await assert.rejects(standby.call("scheduler.runNow"), { type: "SCHEDULER_NO_LEADER" });
    assert.deepEqual([standby.done, active.done], [[], []]);
  });

  it("is repeated if the active node dies during the call", async (test) => {
    const { standby, outcome } = await dyingUnder("scheduler.pause", test);
    assert.equal(outcome.status, "fulfilled");
    assert.deepEqual(standby.done, ["scheduler.pause"]);
  });

  it("stays the same command when it is repeated, also for a manual run", async (test) => {
    const { standby, active, outcome } = await dyingUnder("scheduler.runNow", test);
    assert.equal(outcome.status, "fulfilled");
    assert.deepEqual(standby.commands, active.commands);
  });

  it("keeps the command of its caller, and does not change the meta of the caller", async (test) => {
    const { standby, active } = await twoNodes(test);
    const command = { id: "66f2a1b00a1b2c3d4e5f6099", deadline: Date.now() + 60_000 };
    let meta: object | undefined;
    standby.broker.createService({
      name: "caller",
      actions: {
        async call(context: Context) {
          const options = { nodeID: "standby", headers: commandHeaders(command) };
          await context.call("scheduler.pause", { taskId }, options);
          meta = context.meta;
        },
      },
    });
    await standby.broker.waitForServices("caller");
    await standby.broker.call("caller.call", {});
    assert.deepEqual(active.commands, [command]);
    assert.deepEqual(meta, {}, "the caller would send it again with its next call");
  });

  it("is rejected by every node once its deadline has passed", async (test) => {
    const { standby, active } = await twoNodes(test);
    const headers = commandHeaders({ id: "66f2a1b00a1b2c3d4e5f6098", deadline: Date.now() - 1 });
    for (const nodeID of ["standby", "active"]) {
      const late = standby.broker.call("scheduler.pause", { taskId }, { nodeID, headers });
      await assert.rejects(late, { type: "COMMAND_LATE", code: 503, retryable: false });
    }
    assert.deepEqual([standby.done, active.done], [[], []]);
  });

  it("fails with the error of the command, even if that is an unavailable service", async (test) => {
    const { standby, active } = await twoNodes(test);
    active.fails = new Errors.ServiceNotAvailableError({ action: "executor.validate", nodeID: "active" });
    await assert.rejects(standby.call("scheduler.pause"), { type: "SERVICE_NOT_AVAILABLE" });
    assert.equal(active.done.length, 1);
  });

  async function dyingUnder(name: Name, test: TestContext) {
    const { standby, active } = await twoNodes(test);
    active.hold = true;
    const called = Promise.allSettled([standby.call(name)]);
    await eventually(() => active.done.length === 1);
    standby.isActive = true;
    await active.broker.stop();
    const [outcome] = await called;
    return { standby, active, outcome };
  }
});

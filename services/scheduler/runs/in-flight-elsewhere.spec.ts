import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { ServiceBroker } from "moleculer";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { executorDiscovery } from "./executor-discovery.ts";
import { inFlightElsewhere } from "./in-flight-elsewhere.ts";

interface InFlight {
  readonly held: readonly string[];
  readonly started: readonly string[];
}

/** A scheduler's broker and executors with runs in flight, or without a response (null); stopped when the test ends. */
async function network(test: TestContext, executors: Readonly<Record<string, InFlight | null>>) {
  const broker = (nodeID: string) => {
    const made = new ServiceBroker({ namespace: test.name, nodeID, logger: false, transporter: "Fake" });
    test.after(() => made.stop());
    return made;
  };
  const scheduler = broker("scheduler");
  const others = Object.entries(executors).map(([nodeID, inFlight]) => {
    const made = broker(nodeID);
    made.createService({ name: "executor", actions: { inFlight: () => inFlight ?? new Promise(() => {}) } });
    return made;
  });
  await Promise.all([scheduler, ...others].map((each) => each.start()));
  await eventually(() => others.every(({ nodeID }) => scheduler.registry.nodes.get(nodeID)?.available));
  return {
    elsewhere: inFlightElsewhere(scheduler, executorDiscovery(scheduler, 0)),
    early: inFlightElsewhere(scheduler, executorDiscovery(scheduler)),
  };
}

// It takes a while until the brokers have discovered each other.
describe("a run that two executors have received", { concurrency: true }, () => {
  const [waiting, started, free] = [objectId(), objectId(), objectId()];
  const both = { held: [waiting, started], started: [started] };

  it("belongs to the one that has started it, otherwise to the first one by node id", async (test) => {
    const { elsewhere } = await network(test, { b: both, c: { held: [waiting], started: [] } });
    const runIds = [waiting, started, free];
    assert.deepEqual(await elsewhere(runIds, "c"), new Set([waiting, started]));
    assert.deepEqual(await elsewhere(runIds, "a"), new Set([started]));
    assert.deepEqual(await elsewhere(runIds, "b"), new Set(), "no other executor has started it");
  });

  it("is given to none of them while executors may be unknown", async (test) => {
    const { early } = await network(test, {});
    assert.deepEqual(await early([free], "c"), new Set([free]));
  });

  it("is not left to an executor that does not respond", async (test) => {
    const { elsewhere } = await network(test, { a: null, b: both });
    assert.deepEqual(await elsewhere([waiting, started, free], "c"), new Set([waiting, started]));
  });
});

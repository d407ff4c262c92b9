import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { ServiceBroker } from "moleculer";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { heldElsewhere } from "./executor-holdings.ts";

interface Held {
  readonly held: readonly string[];
  readonly started: readonly string[];
}

/** A scheduler's broker and executors that hold runs, or never answer (null); stopped when the test ends. */
async function network(test: TestContext, executors: Readonly<Record<string, Held | null>>) {
  const broker = (nodeID: string) => {
    const made = new ServiceBroker({ namespace: test.name, nodeID, logger: false, transporter: "Fake" });
    test.after(() => made.stop());
    return made;
  };
  const scheduler = broker("scheduler");
  const others = Object.entries(executors).map(([nodeID, held]) => {
    const made = broker(nodeID);
    made.createService({ name: "executor", actions: { inFlight: () => held ?? new Promise(() => {}) } });
    return made;
  });
  await Promise.all([scheduler, ...others].map((each) => each.start()));
  await eventually(() => others.every(({ nodeID }) => scheduler.registry.nodes.get(nodeID)?.available));
  return heldElsewhere(scheduler);
}

// Brokers take their time to find each other.
describe("a run that two executors have received", { concurrency: true }, () => {
  const [waiting, started, free] = [objectId(), objectId(), objectId()];
  const held = { held: [waiting, started], started: [started] };

  it("belongs to the one that has started it, else to the first by node id", async (test) => {
    const elsewhere = await network(test, { b: held, c: { held: [waiting], started: [] } });
    const asked = [waiting, started, free];
    assert.deepEqual(await elsewhere(asked, "c"), new Set([waiting, started]));
    assert.deepEqual(await elsewhere(asked, "a"), new Set([started]));
    assert.deepEqual(await elsewhere(asked, "b"), new Set(), "nobody else has started it");
  });

  it("is left to nobody who does not answer", async (test) => {
    const elsewhere = await network(test, { a: null, b: held });
    assert.deepEqual(await elsewhere([waiting, started, free], "c"), new Set([waiting, started]));
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceBroker } from "moleculer";
import { responseLimit } from "./response-limit.ts";

const LONG_MS = 60_000;

test("a broker does not wait for calls whose time limit has passed when it stops", async (t) => {
  const network = { namespace: t.name, logger: false, transporter: "Fake" } as const;
  // Without its own time limit, which would reject the call.
  const silent = new ServiceBroker({ ...network, nodeID: "silent", internalMiddlewares: false });
  silent.createService({ name: "records", actions: { get: () => new Promise(() => {}) } });
  const caller = new ServiceBroker({
    ...network,
    nodeID: "caller",
    tracking: { enabled: true, shutdownTimeout: LONG_MS },
    middlewares: [responseLimit()],
  });
  t.after(() => silent.stop());
  await Promise.all([silent.start(), caller.start()]);
  await caller.waitForServices("records");
  await assert.rejects(caller.call("records.get", {}, { timeout: 20 }), { type: "REQUEST_TIMEOUT" });
  const stoppedAt = performance.now();
  await caller.stop();
  assert.ok(performance.now() - stoppedAt < LONG_MS / 2);
});

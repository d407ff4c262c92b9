import assert from "node:assert/strict";
import { it } from "node:test";
import type { ServiceBroker } from "moleculer";
import { createBroker } from "../../shared/broker.ts";
import { readConfig } from "../../shared/config.ts";
import { eventually } from "../eventually.ts";
import { startNatsServer } from "./nats-server.ts";

it("calls and events reach other processes over a NATS server with a password", async (test) => {
  const server = await startNatsServer({ args: ["--user", "kinit", "--pass", "p@ss:word"] });
  const brokers: ServiceBroker[] = [];
  test.after(async () => {
    await Promise.all(brokers.map((broker) => broker.stop()));
    await server.stop();
  });
  const NATS_URL = `nats://kinit:${encodeURIComponent("p@ss:word")}@127.0.0.1:${server.port}`;
  const start = async (NODE_NAME: string) => {
    const broker = await createBroker(readConfig({ NATS_URL, NODE_NAME, LOG_LEVEL: "fatal" }));
    brokers.push(broker);
    return broker;
  };
  const [one, other] = [await start("one"), await start("other")];
  // Within one process two brokers have the same name unless NODE_NAME differs.
  assert.notEqual(one.nodeID, other.nodeID);
  one.createService({ name: "echo", actions: { reply: ({ params }: { params: unknown }) => params } });
  await Promise.all([one.start(), other.start()]);
  await eventually(() => other.bus.isReady());
  await other.waitForServices("echo", 10_000);
  assert.deepEqual(await other.call("echo.reply", { text: "hello" }), { text: "hello" });
});

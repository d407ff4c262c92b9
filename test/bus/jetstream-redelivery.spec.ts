import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Delivery } from "../../shared/bus/bus.ts";
import { jetStreamBus } from "../../shared/bus/jetstream/jetstream-bus.ts";
import { silentLog } from "../silent-log.ts";
import { startTcpProxy } from "../tcp-proxy.ts";
import { quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";
import { openJetStream } from "./jetstream-under-test.ts";

const ACK_WAIT_MS = 1000;
const NEVER = Number.NEGATIVE_INFINITY;

test("jetstream: a member detects that its events may have been redelivered to another one", async (t) => {
  const under = await openJetStream({ logger: silentLog });
  t.after(() => under.close());
  const proxy = await startTcpProxy(under.server.port);
  t.after(() => proxy.close());
  const cutOff = jetStreamBus({
    url: `nats://127.0.0.1:${proxy.port}`,
    name: "cut-off",
    logger: silentLog,
    audience: {},
    maxBytes: 67_108_864,
    maxAgeMs: 3_600_000,
    drainMs: 100,
  });
  await cutOff.start();
  t.after(() => cutOff.stop());
  const mine = new Collected<Delivery>();
  const theirs = new Collected<string>();
  const blocked = gate();
  t.after(blocked.open);
  const subscription = { ...quick, ackWaitMs: ACK_WAIT_MS, pattern: "task.due", group: "executor" } as const;
  await cutOff.subscribe({
    ...subscription,
    handle(_, delivery) {
      mine.add(delivery);
      return blocked.opened;
    },
  });
  await under.bus.send(exampleEvent("task.due"));
  const [first] = await mine.reach(1);
  const other = await under.other();
  await other.subscribe({ ...subscription, handle: ({ id }) => theirs.add(id) });
  await delay(3 * ACK_WAIT_MS);
  assert.equal(first?.lapsedAt, NEVER, "while its signs of life arrive, the event is not redelivered");
  assert.deepEqual(theirs.items, []);

  proxy.freeze();
  await theirs.reach(1);
  assert.notEqual(first?.lapsedAt, NEVER, "the event may be redelivered while the connection is frozen");
  proxy.restore();
  await delay(ACK_WAIT_MS);
  const lapsedAt = first?.lapsedAt;
  assert.notEqual(lapsedAt, NEVER, "it may have been redelivered while the connection was frozen");
  await delay(20);
  assert.equal(first?.lapsedAt, lapsedAt, "the value does not change once the connection works again");
});

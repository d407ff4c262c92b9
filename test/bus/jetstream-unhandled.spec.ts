import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Bus } from "../../shared/bus/bus.ts";
import { STREAM } from "../../shared/bus/jetstream/streams.ts";
import { eventId } from "../../shared/ids.ts";
import { silentLog } from "../silent-log.ts";
import { quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";
import { insistOnAll } from "./insist.ts";
import { type JetStreamUnderTest, openJetStream } from "./jetstream-under-test.ts";

let under: JetStreamUnderTest;
before(async () => {
  under = await openJetStream({ logger: silentLog });
});
after(() => under?.close());

async function send(bus: Bus, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, () => exampleEvent("task.due"));
  await insistOnAll(bus, events);
  return events.map(({ id }) => id);
}

test("events are unhandled for a group that has never subscribed; unknown ids are not", async () => {
  const sent = await send(under.bus, 12_000);
  const ids = [sent[0], sent.at(-1)] as string[];
  const found = await under.bus.unhandled("executor", "task.due", [...ids, eventId()]);
  assert.deepEqual([...found].sort(), ids.sort());
});

test("events are unhandled while a member has them in flight, and not when it has handled them", async () => {
  const seen = new Collected<string>();
  const blocked = gate();
  const handle = async ({ id }: { id: string }) => {
    seen.add(id);
    await blocked.opened;
  };
  await under.bus.subscribe({
    ...quick,
    maxInFlight: 20_000,
    pattern: "task.due",
    group: "executor",
    handle,
  });
  await seen.reach(12_000);
  const ids = [seen.items[0], seen.items.at(-1)] as string[];
  assert.equal((await under.bus.unhandled("executor", "task.due", ids)).size, 2);
  blocked.open();
  assert.equal(await under.bus.hasCaughtUp("executor", "task.due", 10_000), true);
  assert.deepEqual(await under.bus.unhandled("executor", "task.due", ids), new Set());
});

test("a stream that was created again has another identity and none of the earlier events", async () => {
  const { bus, manager } = under;
  const identity = await bus.identity();
  const ids = await send(bus, 1);
  await manager.streams.delete(STREAM);
  await assert.rejects(bus.identity(), { type: "BUS_UNAVAILABLE", retryable: true });
  await (await under.other()).send(exampleEvent("task.due"));
  assert.notEqual(await bus.identity(), identity);
  assert.deepEqual(await bus.unhandled("unknown", "task.due", ids), new Set());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { durableOf, STREAM } from "../../shared/bus/jetstream/streams.ts";
import { silentLog } from "../silent-log.ts";
import { quick } from "./bus-test.ts";
import { exampleEvent } from "./example-event.ts";
import { openJetStream } from "./jetstream-under-test.ts";

const REPETITIONS = 150;
const ACK_WAIT_MS = 300;

/** The server's pending counts are known to drift, so the result must not depend on them; see `CaughtUpWatch`. */
test("jetstream: a group that has caught up has handled all events accepted before", async (t) => {
  const under = await openJetStream({ logger: silentLog });
  t.after(() => under.close());
  const { bus, manager } = under;
  const handled = new Set<string>();
  let seed = 20_261_124;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const subscription = {
    ...quick,
    maxInFlight: 20,
    ackWaitMs: ACK_WAIT_MS,
    pattern: "run.*",
    group: "g",
  } as const;
  const handle = async ({ id }: { id: string }) => {
    if (random(10) === 0) await delay(random(30));
    if (random(15) === 0) throw Object.assign(new Error("try again"), { retryable: true });
    handled.add(id);
  };
  let member = await bus.subscribe({ ...subscription, handle });
  const purge = async () => {
    const { ack_floor } = await manager.consumers.info(STREAM, durableOf("g", "run.*"));
    if (ack_floor.stream_seq > 0) await manager.streams.purge(STREAM, { seq: ack_floor.stream_seq });
  };

  for (let round = 0; round < REPETITIONS; round++) {
    const mine = Array.from({ length: 1 + random(8) }, () => exampleEvent("run.succeeded"));
    const others = Array.from({ length: random(8) }, () => exampleEvent("task.due"));
    const isOtherLast = random(2) === 0;
    await Promise.all([...mine, ...(isOtherLast ? [] : others)].map((event) => bus.send(event)));
    if (isOtherLast) await Promise.all(others.map((event) => bus.send(event)));
    if (random(4) === 0) await purge();
    if (random(20) === 0) {
      await member.stop(0);
      member = await bus.subscribe({ ...subscription, handle });
    }
    assert.equal(await bus.hasCaughtUp("g", "run.*", 10_000), true, `round ${round} catches up in time`);
    for (const { id } of mine) assert.ok(handled.has(id), `round ${round}: ${id} was not handled`);
  }
});

test("jetstream: a group catches up while more of its events arrive", async (t) => {
  const under = await openJetStream({ logger: silentLog });
  const { bus, nats } = under;
  const isPolled = Promise.withResolvers<void>();
  const [first, later] = [exampleEvent("run.succeeded"), exampleEvent("run.succeeded")];
  const isReleased = Promise.withResolvers<void>();
  const isLaterOver = Promise.withResolvers<void>();
  t.after(async () => {
    isLaterOver.resolve();
    await under.close();
  });
  await bus.subscribe({
    ...quick,
    maxInFlight: 1,
    pattern: "run.*",
    group: "g",
    handle: ({ id }) => (id === first.id ? isReleased.promise : isLaterOver.promise),
  });
  await bus.send(first);
  await bus.send(exampleEvent("task.due"));
  nats.subscribe(`$JS.API.CONSUMER.INFO.${STREAM}.${durableOf("g", "run.*")}`, {
    callback: () => isPolled.resolve(),
  });
  await nats.flush();
  const caughtUp = bus.hasCaughtUp("g", "run.*", 10_000);
  await isPolled.promise;
  await bus.send(later);
  isReleased.resolve();
  assert.equal(await caughtUp, true);
});

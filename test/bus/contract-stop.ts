import assert from "node:assert/strict";
import { type Adapter, busTest, quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";

const executor = { ...quick, ackWaitMs: 5000, pattern: "task.due", group: "executor" } as const;
interface Received {
  readonly member: string;
  readonly id: string;
  readonly count: number;
}

export function stopContract(adapter: Adapter): void {
  busTest(
    adapter,
    "a stopping member finishes running handlers and requeues the other events",
    async ({ bus, other }) => {
      const seen = new Collected<Received>();
      const work = gate();
      const first = await bus.subscribe({
        ...executor,
        batch: { maxSize: 1, lingerMs: 0 },
        async handleBatch([event], [delivery]) {
          assert.ok(event && delivery);
          seen.add({ member: "first", id: event.id, count: delivery.count });
          await work.opened;
        },
      });
      const events = Array.from({ length: 5 }, () => exampleEvent("task.due"));
      const sent = events.map((event) => bus.send(event));
      await seen.reach(1);
      const stopped = first.stop();
      await (await other()).subscribe({
        ...executor,
        handle: ({ id }, { count }) => seen.add({ member: "second", id, count }),
      });
      await seen.reach(5);
      work.open();
      await Promise.all([stopped, ...sent]);
      assert.deepEqual(
        seen.items.map(({ member, id }) => ({ member, id })),
        events.map(({ id }, index) => ({ member: index === 0 ? "first" : "second", id })),
      );
    },
  );

  busTest(
    adapter,
    "an event whose handler exceeds the limit is redelivered to another member",
    async (under) => {
      const seen = new Collected<Received>();
      const work = gate();
      const first = await under.bus.subscribe({
        ...executor,
        async handle({ id }, { count }) {
          seen.add({ member: "first", id, count });
          await work.opened;
        },
      });
      const event = exampleEvent("task.due");
      const sent = under.bus.send(event);
      await seen.reach(1);
      await (await under.other()).subscribe({
        ...executor,
        handle: ({ id }, { count }) => seen.add({ member: "second", id, count }),
      });
      await first.stop(50);
      assert.deepEqual(await seen.reach(2), [
        { member: "first", id: event.id, count: 1 },
        { member: "second", id: event.id, count: 2 },
      ]);
      work.open();
      await sent;
    },
  );

  busTest(adapter, "a requeued batch is not retried when its handler fails later", async (under) => {
    const seen = new Collected<string>();
    const work = gate();
    const common = { ...executor, maxDeliver: 1, batch: { maxSize: 4, lingerMs: 200 } } as const;
    const first = await under.bus.subscribe({
      ...common,
      async handleBatch(events) {
        seen.add(`first ${events.length}`);
        await work.opened;
        throw new Error("too late");
      },
    });
    const sent = Array.from({ length: 4 }, () => under.bus.send(exampleEvent("task.due")));
    await seen.reach(1);
    await first.stop(20);
    work.open();
    await (await under.other()).subscribe({
      ...common,
      handleBatch: (events) => seen.add(`second ${events.length}`),
    });
    assert.deepEqual(await seen.reach(2), ["first 4", "second 4"]);
    await Promise.all(sent);
    assert.deepEqual(await under.deadLetters(), []);
  });

  busTest(
    adapter,
    "events sent while a group has no member wait for its next member",
    async ({ bus, other }) => {
      const seen = new Collected<string>();
      const subscription = { ...executor, handle: ({ id }: { id: string }) => seen.add(id) };
      const first = await bus.subscribe(subscription);
      await first.stop();
      const event = exampleEvent("task.due");
      const sent = bus.send(event);
      await (await other()).subscribe(subscription);
      assert.deepEqual(await seen.reach(1), [event.id]);
      await sent;
    },
  );

  busTest(adapter, "a stopped bus rejects events", async ({ bus }) => {
    assert.equal(bus.isReady(), true);
    await bus.stop();
    assert.equal(bus.isReady(), false);
    await assert.rejects(bus.send(exampleEvent("task.due")), { type: "BUS_UNAVAILABLE", retryable: true });
  });
}

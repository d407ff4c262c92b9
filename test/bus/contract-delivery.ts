import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Requeue } from "../../shared/bus/bus.ts";
import { AppError, errorType } from "../../shared/errors.ts";
import { eventually } from "../eventually.ts";
import { type Adapter, busTest, quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";

export function deliveryContract(adapter: Adapter): void {
  busTest(adapter, "handlers start in the order of sending", async ({ bus }) => {
    const started = new Collected<string>();
    await bus.subscribe({
      ...quick,
      pattern: "run.*",
      group: "records",
      async handle(event) {
        started.add(event.id);
        await delay(Math.random() * 3);
      },
    });
    const events = Array.from({ length: 60 }, () => exampleEvent("run.started", { subject: "run-1" }));
    await Promise.all(events.map((event) => bus.send(event)));
    assert.deepEqual(
      await started.reach(60),
      events.map(({ id }) => id),
    );
  });

  busTest(adapter, "reports when a group has handled the events accepted before", async ({ bus }) => {
    const seen: string[] = [];
    const blocked = gate();
    await bus.subscribe({
      ...quick,
      pattern: "run.*",
      group: "records",
      async handle() {
        await blocked.opened;
        seen.push("handled");
      },
    });
    const sent = [bus.send(exampleEvent("run.started")), bus.send(exampleEvent("run.failed"))];
    const caughtUp = Promise.all(sent)
      .then(() => bus.hasCaughtUp("records", "run.*", 5000))
      .then((hasCaughtUp) => seen.push(`caught up: ${hasCaughtUp}`));
    await delay(150);
    blocked.open();
    await caughtUp;
    assert.deepEqual(seen, ["handled", "handled", "caught up: true"]);
    await bus.send(exampleEvent("task.due"));
    assert.equal(
      await bus.hasCaughtUp("records", "run.*", 5000),
      true,
      "unrelated events do not delay the group",
    );
  });

  busTest(adapter, "reports no handled event as unhandled", async ({ bus }) => {
    const seen = new Collected<string>();
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle: ({ id }) => seen.add(id),
    });
    const events = Array.from({ length: 3 }, () => exampleEvent("task.due"));
    await Promise.all(events.map((event) => bus.send(event)));
    await seen.reach(3);
    assert.equal(await bus.hasCaughtUp("executor", "task.due", 5000), true);
    const ids = events.map(({ id }) => id);
    assert.deepEqual(await bus.unhandled("executor", "task.due", ids), new Set());
    assert.equal(await bus.identity(), await bus.identity());
  });

  busTest(adapter, "a pattern receives the events that it matches and no others", async ({ bus }) => {
    const family = new Collected<string>();
    const single = new Collected<string>();
    const all = { ...quick, group: "records" };
    await bus.subscribe({ ...all, pattern: "run.*", handle: ({ type }) => family.add(type) });
    await bus.subscribe({ ...all, pattern: "run.failed", handle: ({ type }) => single.add(type) });
    for (const type of ["task.due", "run.started", "run.failed"] as const) await bus.send(exampleEvent(type));
    assert.deepEqual(await family.reach(2), ["run.started", "run.failed"]);
    assert.deepEqual(await single.reach(1), ["run.failed"]);
  });

  busTest(adapter, "an event that failed is redelivered after its backoff", async ({ bus }) => {
    const seen = new Collected<{ id: string; count: number; resent: boolean; at: number }>();
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle({ id }, { count, resent }) {
        seen.add({ id, count, resent, at: performance.now() });
        if (count < 3) throw new Error("not yet");
      },
    });
    const event = exampleEvent("task.due");
    await bus.send(event);
    const [first, second, third] = await seen.reach(3);
    assert.ok(first && second && third);
    assert.deepEqual([first.id, second.id, third.id], [event.id, event.id, event.id]);
    assert.deepEqual([first.count, second.count, third.count], [1, 2, 3]);
    assert.deepEqual([first.resent, second.resent, third.resent], [false, true, true]);
    assert.ok(second.at - first.at >= 49, `second try after ${second.at - first.at} ms`);
    assert.ok(third.at - second.at >= 99, `third try after ${third.at - second.at} ms`);
  });

  busTest(adapter, "a retryable error is retried and not counted", async ({ bus, deadLetters }) => {
    const seen = new Collected<number>();
    await bus.subscribe({
      ...quick,
      backoffMs: [10],
      pattern: "task.due",
      group: "executor",
      handle(_event, { count }) {
        seen.add(count);
        if (count < 8) throw new AppError("the store is unavailable", { type: "STORE_UNAVAILABLE" });
      },
    });
    await bus.send(exampleEvent("task.due"));
    assert.deepEqual(await seen.reach(8), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(await deadLetters(), []);
  });

  busTest(adapter, "an event that is sent repeatedly is handled once", async ({ bus }) => {
    const seen = new Collected<string>();
    await bus.subscribe({ ...quick, pattern: "task.*", group: "executor", handle: ({ id }) => seen.add(id) });
    const event = exampleEvent("task.due");
    const last = exampleEvent("task.deleted");
    await Promise.all([bus.send(event), bus.send(event, { resent: true })]);
    await bus.send(event, { resent: true });
    await bus.send(last);
    await seen.when((ids) => ids.includes(last.id), "the last event");
    assert.deepEqual(seen.items, [event.id, last.id]);
  });

  busTest(adapter, "the handler sees that the sender may have sent the event before", async ({ bus }) => {
    const seen = new Collected<boolean>();
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle: (_event, { resent }) => seen.add(resent),
    });
    await bus.send(exampleEvent("task.due"), { resent: true });
    await seen.reach(1);
    await bus.send(exampleEvent("task.due"));
    assert.deepEqual(await seen.reach(2), [true, false]);
  });

  busTest(adapter, "every group receives every event", async ({ bus, other }) => {
    const groups = { executor: new Collected<string>(), records: new Collected<string>() };
    const second = await other();
    const common = { ...quick, pattern: "task.due" } as const;
    await bus.subscribe({ ...common, group: "executor", handle: ({ id }) => groups.executor.add(id) });
    await second.subscribe({ ...common, group: "records", handle: ({ id }) => groups.records.add(id) });
    const events = Array.from({ length: 10 }, () => exampleEvent("task.due"));
    await Promise.all(events.map((event) => bus.send(event)));
    const ids = events.map(({ id }) => id);
    assert.deepEqual(await groups.executor.reach(10), ids);
    assert.deepEqual(await groups.records.reach(10), ids);
  });

  busTest(adapter, "the members of a group share its events", async ({ bus, other }) => {
    const seen = new Collected<{ member: number; id: string }>();
    const buses = [bus, await other()];
    for (const [member, each] of buses.entries())
      await each.subscribe({
        ...quick,
        maxInFlight: 1,
        pattern: "task.due",
        group: "executor",
        async handle({ id }) {
          seen.add({ member, id });
          await delay(5);
        },
      });
    const events = Array.from({ length: 30 }, () => exampleEvent("task.due"));
    await Promise.all(events.map((event) => bus.send(event)));
    await seen.reach(30);
    assert.deepEqual(seen.items.map(({ id }) => id).sort(), events.map(({ id }) => id).sort());
    assert.deepEqual(new Set(seen.items.map(({ member }) => member)), new Set([0, 1]));
  });

  busTest(
    adapter,
    "an event is not redelivered while its handler runs longer than the ack wait",
    async ({ bus, other }) => {
      const seen = new Collected<string>();
      for (const each of [bus, await other()])
        await each.subscribe({
          ...quick,
          ackWaitMs: 300,
          pattern: "task.due",
          group: "executor",
          async handle({ id, subject }) {
            seen.add(id);
            if (subject === "task-long") await delay(1200);
          },
        });
      const long = exampleEvent("task.due", { subject: "task-long" });
      const sent = bus.send(long);
      await seen.reach(1);
      await delay(1100);
      const next = exampleEvent("task.due");
      await Promise.all([sent, bus.send(next)]);
      assert.deepEqual(await seen.reach(2), [long.id, next.id]);
    },
  );

  busTest(adapter, "at most maxInFlight handlers run at once", async ({ bus }) => {
    const seen = new Collected<number>();
    let running = 0;
    await bus.subscribe({
      ...quick,
      maxInFlight: 3,
      pattern: "task.due",
      group: "executor",
      async handle(_event, { count }) {
        running += 1;
        seen.add(running);
        await delay(3);
        running -= 1;
        if (count === 1) throw new Error("first attempt");
      },
    });
    const sent = Array.from({ length: 20 }, () => bus.send(exampleEvent("task.due")));
    await seen.reach(40);
    await Promise.all(sent);
    assert.equal(Math.max(...seen.items), 3);
  });

  busTest(adapter, "an event that a handler requeues goes to another member", async ({ bus, other }) => {
    const seen = new Collected<{ member: string; count: number }>();
    const subscription = { ...quick, pattern: "task.due", group: "executor" } as const;
    const first = await bus.subscribe({
      ...subscription,
      async handle(_event, { count, stopping }) {
        seen.add({ member: "first", count });
        await new Promise((resolve) => stopping.addEventListener("abort", resolve));
        throw new Requeue("stopping");
      },
    });
    const sent = bus.send(exampleEvent("task.due"));
    await seen.reach(1);
    await (await other()).subscribe({
      ...subscription,
      handle: (_event, { count }) => seen.add({ member: "second", count }),
    });
    await first.stop();
    assert.deepEqual(await seen.reach(2), [
      { member: "first", count: 1 },
      { member: "second", count: 2 },
    ]);
    await sent;
  });

  busTest(adapter, "an event without subscribers is accepted", async ({ bus }) => {
    await bus.send(exampleEvent("hotlist.crawled"));
  });

  busTest(
    adapter,
    "a full bus rejects events, and accepts them again when there is room",
    async ({ bus }) => {
      const room = gate();
      await bus.subscribe({
        ...quick,
        maxInFlight: 1,
        pattern: "task.due",
        group: "executor",
        handle: () => room.opened,
      });
      const accepted: Promise<unknown>[] = [];
      const rejected = Promise.withResolvers<unknown>();
      for (let i = 0; i < 300; i++) accepted.push(bus.send(exampleEvent("task.due")).catch(rejected.resolve));
      const error = await rejected.promise;
      assert.equal(errorType(error), "BUS_FULL");
      assert.equal((error as AppError).retryable, true);
      room.open();
      await Promise.all(accepted);
      const event = exampleEvent("task.due");
      await eventually(async () => {
        const errorOf = await bus.send(event).then(() => undefined, errorType);
        if (errorOf === undefined) return true;
        assert.equal(errorOf, "BUS_FULL");
        return false;
      });
    },
    { isTiny: true },
  );
}

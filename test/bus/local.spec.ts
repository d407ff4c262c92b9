import assert from "node:assert/strict";
import { test } from "node:test";
import { BusUnavailable, type DeadLetter } from "../../shared/bus/bus.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { silentLog } from "../silent-log.ts";
import { quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { busContract } from "./contract.ts";
import { exampleEvent } from "./example-event.ts";

busContract({
  name: "local",
  async open({ logger, isTiny }) {
    const letters: DeadLetter[] = [];
    let isRejecting = false;
    const bus = localBus({
      logger,
      maxQueued: isTiny ? 3 : 1000,
      async deadLetter(letter) {
        if (isRejecting) throw new BusUnavailable("the store is unavailable");
        letters.push(letter);
      },
    });
    await bus.start();
    return {
      bus,
      other: async () => bus,
      deadLetters: async () => letters,
      async refuseDeadLetters() {
        isRejecting = true;
      },
      async acceptDeadLetters() {
        isRejecting = false;
      },
      close: () => bus.stop(),
    };
  },
});

test("local: send resolves when every group has handled the event, not before", async () => {
  const bus = localBus({ logger: silentLog, deadLetter: async () => {} });
  await bus.start();
  const slow = gate();
  let isSent = false;
  await bus.subscribe({ ...quick, pattern: "task.due", group: "records", handle: () => {} });
  await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle: () => slow.opened });
  const sent = bus.send(exampleEvent("task.due")).then(() => {
    isSent = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isSent, false);
  slow.open();
  await sent;
  await bus.stop();
});

test("local: an event that one full group rejects is delivered to no group", async () => {
  const bus = localBus({ logger: silentLog, maxQueued: 1, deadLetter: async () => {} });
  await bus.start();
  const slow = gate();
  const seen: string[] = [];
  await bus.subscribe({
    ...quick,
    pattern: "task.*",
    group: "records",
    handle: ({ type }) => seen.push(type),
  });
  await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle: () => slow.opened });
  const sent = bus.send(exampleEvent("task.due"));
  await assert.rejects(bus.send(exampleEvent("task.due")), { type: "BUS_FULL", retryable: true });
  await bus.send(exampleEvent("task.deleted"));
  slow.open();
  await sent;
  assert.deepEqual(seen, ["task.due", "task.deleted"]);
  await bus.stop();
});

test("local: a dead letter that the store rejects is logged and does not block other events", async () => {
  const errors: { readonly id?: string; readonly message: string }[] = [];
  const bus = localBus({
    logger: { ...silentLog, error: (fields, message) => errors.push({ ...fields, message }) },
    async deadLetter() {
      throw new TypeError("the store rejects this");
    },
  });
  await bus.start();
  const handled = new Collected<string>();
  const failing = Array.from({ length: 3 * quick.maxInFlight }, () => exampleEvent("task.due"));
  const ids = new Set(failing.map(({ id }) => id));
  await bus.subscribe({
    ...quick,
    maxDeliver: 1,
    pattern: "task.due",
    group: "records",
    handle({ id }) {
      if (ids.has(id)) throw new Error("fails");
      handled.add(id);
    },
  });
  const sent = failing.map((event) => bus.send(event));
  const healthy = exampleEvent("task.due");
  await bus.send(healthy);
  assert.deepEqual(handled.items, [healthy.id]);
  await Promise.all(sent);
  for (const id of ids) {
    const letter = errors.filter((line) => line.id === `records/task.due/${id}`);
    assert.equal(letter.filter(({ message }) => message.includes("is lost")).length, 1);
  }
  await bus.stop();
});

test("local: an event is checked once, however many groups receive it", async () => {
  const bus = localBus({ logger: silentLog, deadLetter: async () => {} });
  await bus.start();
  const handled = new Collected<string>();
  for (const group of ["executor", "records", "scheduler"])
    await bus.subscribe({ ...quick, pattern: "task.due", group, handle: () => handled.add(group) });
  let checks = 0;
  const event = Object.defineProperty(exampleEvent("task.due"), "specversion", {
    get() {
      checks += 1;
      return "1.0";
    },
  });
  await bus.send(event);
  assert.equal(handled.items.length, 3);
  assert.equal(checks, 1);
  await bus.stop();
});

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
    let isRefusing = false;
    const bus = localBus({
      logger,
      maxQueued: isTiny ? 3 : 1000,
      async deadLetter(letter) {
        if (isRefusing) throw new BusUnavailable("the sink is away");
        letters.push(letter);
      },
    });
    await bus.start();
    return {
      bus,
      other: async () => bus,
      deadLetters: async () => letters,
      async refuseDeadLetters() {
        isRefusing = true;
      },
      async acceptDeadLetters() {
        isRefusing = false;
      },
      close: () => bus.stop(),
    };
  },
});

test("local: send resolves when every group is done, not before", async () => {
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

test("local: an event refused by one full group is given to no group", async () => {
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

test("local: a dead letter that is refused for good is logged, and its event blocks nothing", async () => {
  const errors: { readonly id?: string; readonly message: string }[] = [];
  const bus = localBus({
    logger: { ...silentLog, error: (fields, message) => errors.push({ ...fields, message }) },
    async deadLetter() {
      throw new TypeError("no store takes this");
    },
  });
  await bus.start();
  const handled = new Collected<string>();
  const poison = Array.from({ length: 3 * quick.maxInFlight }, () => exampleEvent("task.due"));
  const ids = new Set(poison.map(({ id }) => id));
  await bus.subscribe({
    ...quick,
    maxDeliver: 1,
    pattern: "task.due",
    group: "records",
    handle({ id }) {
      if (ids.has(id)) throw new Error("poison");
      handled.add(id);
    },
  });
  const sent = poison.map((event) => bus.send(event));
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

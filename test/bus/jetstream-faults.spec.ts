import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { jetStreamBus } from "../../shared/bus/jetstream/jetstream-bus.ts";
import { STREAM } from "../../shared/bus/jetstream/streams.ts";
import { eventually, LIMIT_MS } from "../eventually.ts";
import { silentLog } from "../silent-log.ts";
import { quick } from "./bus-test.ts";
import { Collected } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";
import { insist, insistOnAll } from "./insist.ts";
import { type JetStreamUnderTest, openJetStream } from "./jetstream-under-test.ts";

function faultTest(rule: string, body: (under: JetStreamUnderTest) => Promise<void>): void {
  test(`jetstream: ${rule}`, { timeout: 2 * LIMIT_MS }, async () => {
    const under = await openJetStream({ logger: silentLog });
    try {
      await body(under);
    } finally {
      await under.close();
    }
  });
}

faultTest(
  "a server that is killed under load and restarted loses nothing",
  async ({ bus, other, server }) => {
    const single = new Collected<string>();
    const batched = new Collected<string>();
    const consuming = await other();
    await consuming.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      async handle({ id }) {
        await delay(2);
        single.add(id);
      },
    });
    await consuming.subscribe({
      ...quick,
      maxInFlight: 200,
      pattern: "task.*",
      group: "records",
      batch: { maxSize: 50, lingerMs: 5 },
      handleBatch: (events) => {
        for (const { id } of events) batched.add(id);
      },
    });
    const events = Array.from({ length: 4000 }, () => exampleEvent("task.due"));
    const sent = insistOnAll(bus, events);
    await single.reach(500);
    await server.kill();
    await eventually(() => !bus.isReady());
    const begun = performance.now();
    await assert.rejects(bus.send(exampleEvent("task.deleted")), {
      type: "BUS_UNAVAILABLE",
      retryable: true,
    });
    assert.ok(performance.now() - begun < 4000, "rejected without waiting for the server");
    await delay(1500);
    await server.restart();
    await sent;
    for (const collected of [single, batched]) {
      const hasAll = (ids: readonly string[]) => new Set(ids).size === events.length;
      await collected.when(hasAll, "every event");
    }
    assert.equal(single.items.length, events.length, "handled twice by the same member");
    assert.equal(bus.isReady() && consuming.isReady(), true);
  },
);

faultTest("events that a killed process had in flight are redelivered after the ack wait", async (under) => {
  const { bus, server } = under;
  const ackWaitMs = 600;
  const child = fork(new URL("hanging-consumer.ts", import.meta.url).pathname, [
    server.url,
    String(ackWaitMs),
  ]);
  const event = exampleEvent("task.due");
  await bus.send(event);
  const [taken] = await once(child, "message");
  assert.equal(taken, event.id);
  const seen = new Collected<{ id: string; count: number; resent: boolean }>();
  await bus.subscribe({
    ...quick,
    ackWaitMs,
    pattern: "task.due",
    group: "executor",
    handle: ({ id }, { count, resent }) => seen.add({ id, count, resent }),
  });
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  assert.deepEqual(await seen.reach(1), [{ id: event.id, count: 2, resent: true }]);
});

faultTest("an event that ends every process that receives it goes to the dead letters", async (under) => {
  const { bus, nats, deadLetters } = under;
  const seen = new Collected<string>();
  const subscription = { ...quick, pattern: "task.due", group: "executor" } as const;
  await (await bus.subscribe({ ...subscription, handle: ({ id }) => seen.add(id) })).stop();
  const killer = exampleEvent("task.due");
  await bus.send(killer);
  // Each negative acknowledgement stands for a process that ended with the event in flight.
  const member = await nats.jetstream().consumers.get(STREAM, "executor__task_due");
  for (let i = 0; i < quick.maxDeliver + 20; i++) (await member.next({ expires: 1000 }))?.nak();
  await bus.subscribe({ ...subscription, handle: ({ id }) => seen.add(id) });
  const next = exampleEvent("task.due");
  await bus.send(next);
  assert.deepEqual(await seen.reach(1), [next.id]);
  const letter = await eventually(async () => (await deadLetters())[0]);
  assert.deepEqual(JSON.parse(letter.event), killer);
  assert.equal(letter.error.type, "NEVER_SETTLED");
});

faultTest("a bus stops while its server is unavailable", async ({ bus, server }) => {
  const begun = new Collected<string>();
  await bus.subscribe({
    ...quick,
    pattern: "task.due",
    group: "executor",
    handle: ({ id }, { stopping }) => {
      begun.add(id);
      return new Promise((resolve) => stopping.addEventListener("abort", resolve));
    },
  });
  await bus.send(exampleEvent("task.due"));
  await begun.reach(1);
  await server.kill();
  await bus.stop();
});

faultTest("a deleted consumer is created again at its position", async ({ bus, manager }) => {
  const seen = new Collected<string>();
  await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle: ({ id }) => seen.add(id) });
  const events = Array.from({ length: 20 }, () => exampleEvent("task.due"));
  await insistOnAll(bus, events.slice(0, 10));
  await seen.reach(10);
  await manager.consumers.delete(STREAM, "executor__task_due");
  await insistOnAll(bus, events.slice(10));
  await seen.reach(20);
  assert.deepEqual(
    seen.items,
    events.map(({ id }) => id),
  );
});

faultTest("a deleted stream is created again with its consumers", async ({ bus, manager }) => {
  const seen = new Collected<string>();
  await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle: ({ id }) => seen.add(id) });
  const first = exampleEvent("task.due");
  const second = exampleEvent("task.due");
  await bus.send(first);
  await seen.reach(1);
  await manager.streams.delete(STREAM);
  await insist(bus, second);
  assert.deepEqual(await seen.reach(2), [first.id, second.id]);
});

faultTest("a group that subscribes later receives earlier events", async ({ bus, other }) => {
  const events = Array.from({ length: 5 }, () => exampleEvent("run.started"));
  await insistOnAll(bus, events);
  const seen = new Collected<string>();
  await (await other()).subscribe({
    ...quick,
    pattern: "run.*",
    group: "records",
    handle: ({ id }) => seen.add(id),
  });
  assert.deepEqual(
    await seen.reach(5),
    events.map(({ id }) => id),
  );
});

faultTest("events are CloudEvents in JSON that any client can read", async ({ bus, manager }) => {
  const event = exampleEvent("task.due");
  await bus.send(event, { resent: true });
  const message = await manager.streams.getMessage(STREAM, { last_by_subj: "kinit.task.due" });
  assert.deepEqual(message.json(), event);
  assert.equal(message.header.get("content-type"), "application/cloudevents+json");
  assert.equal(message.header.get("Nats-Msg-Id"), event.id);
  assert.equal(message.header.get("Kinit-Resent"), "1");
});

faultTest("events from other clients are checked, and handled once", async ({ bus, nats, deadLetters }) => {
  const seen = new Collected<string>();
  await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle: ({ id }) => seen.add(id) });
  const event = exampleEvent("task.due");
  const bodies = ["no json", JSON.stringify(exampleEvent("run.started")), JSON.stringify(event)];
  for (const body of [...bodies, JSON.stringify(event)])
    await nats.jetstream().publish("kinit.task.due", body);
  const last = exampleEvent("task.due");
  await bus.send(last);
  await seen.when((ids) => ids.includes(last.id), "the last event");
  assert.deepEqual(seen.items, [event.id, last.id]);
  const problems = (await deadLetters()).map(({ error }) => error);
  assert.deepEqual(problems, [
    { type: "EVENT_INVALID", message: "the body must be a CloudEvents envelope in JSON" },
    { type: "EVENT_INVALID", message: "type must match task.due, the channel it was sent to" },
  ]);
});

faultTest("an event that is too large for the server is rejected permanently", async ({ bus }) => {
  const due = exampleEvent("task.due");
  const large = { ...due, data: { ...due.data, params: { text: "x".repeat(1_100_000) } } };
  await assert.rejects(bus.send(large), { type: "EVENT_TOO_LARGE", retryable: false });
  assert.equal(bus.isReady(), true);
});

test("jetstream: a start without a server fails after its limit", async () => {
  const options = {
    name: "test",
    logger: silentLog,
    audience: {},
    maxBytes: 1_048_576,
    maxAgeMs: 60_000,
    startLimitMs: 300,
  };
  const bus = jetStreamBus({ ...options, url: "nats://127.0.0.1:1" });
  await assert.rejects(bus.start(), { type: "BUS_UNAVAILABLE", retryable: true });
  assert.equal(bus.isReady(), false);
  await bus.stop();
});

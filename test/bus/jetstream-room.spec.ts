import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, nanos } from "nats";
import type { Bus } from "../../shared/bus/bus.ts";
import { STREAM } from "../../shared/bus/jetstream/streams.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { errorType } from "../../shared/errors.ts";
import { eventually, LIMIT_MS } from "../eventually.ts";
import { silentLog } from "../silent-log.ts";
import { quick } from "./bus-test.ts";
import { Collected } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";
import { insist, insistOnAll } from "./insist.ts";
import { type JetStreamLimits, type JetStreamUnderTest, openJetStream } from "./jetstream-under-test.ts";

const MAX_BYTES = 262_144;

function roomTest(
  rule: string,
  limits: JetStreamLimits,
  body: (under: JetStreamUnderTest, log: Collected<string>) => Promise<void>,
): void {
  test(`jetstream: ${rule}`, { timeout: 2 * LIMIT_MS }, async () => {
    const log = new Collected<string>();
    const logger = {
      ...silentLog,
      info: (_: object, text: string) => log.add(text),
      warn: (_: object, text: string) => log.add(text),
    };
    const under = await openJetStream({ logger, limits: { maxBytes: MAX_BYTES, ...limits } });
    try {
      await body(under, log);
    } finally {
      await under.close();
    }
  });
}

/** Returns a `task.due` with params of the given size. */
function due(bytes: number): DomainEnvelope<"task.due"> {
  const event = exampleEvent("task.due");
  return { ...event, data: { ...event.data, params: { text: "x".repeat(bytes) } } };
}

async function isAccepted(bus: Bus, event: DomainEnvelope): Promise<boolean> {
  const error = await bus.send(event).then(() => undefined, errorType);
  if (error !== undefined) assert.equal(error, "BUS_FULL");
  return error === undefined;
}

/** Sends new events until the bus is full; returns the ids of the accepted ones. */
async function fill(bus: Bus, next: () => DomainEnvelope): Promise<string[]> {
  for (const accepted: string[] = []; ; ) {
    const event = next();
    if (!(await isAccepted(bus, event))) return accepted;
    accepted.push(event.id);
  }
}

roomTest(
  "a full stream keeps every unhandled event",
  { audience: { executor: ["task.due"] } },
  async ({ bus }) => {
    const accepted = await fill(bus, () => due(1000));
    // Decreasing sizes, so that one just fits: before 2.10.5 a server with a limit drops the oldest event for it.
    for (let size = 1000; size >= 0; size -= 10) {
      const event = due(size);
      if (await isAccepted(bus, event)) accepted.push(event.id);
    }
    const seen = new Collected<string>();
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle: ({ id }) => seen.add(id),
    });
    await seen.reach(accepted.length);
    assert.deepEqual(seen.items, accepted);
  },
);

roomTest(
  "every event is handled when many times its size passes through a stream and members die",
  { audience: { executor: ["task.paused"] } },
  async (under) => {
    const { bus, other, manager, server } = under;
    const handled = new Collected<string>();
    const members: ChildProcess[] = [];
    const join = async () => {
      const member = fork(new URL("slow-consumer.ts", import.meta.url).pathname, [server.url]);
      members.push(member);
      member.on("message", (id) => handled.add(String(id)));
      await once(member, "message");
    };
    const batched = new Collected<string>();
    await (await other()).subscribe({
      ...quick,
      maxInFlight: 200,
      pattern: "task.*",
      group: "records",
      batch: { maxSize: 50, lingerMs: 5 },
      handleBatch: (events) => {
        for (const { id } of events) batched.add(id);
      },
    });
    try {
      const events = Array.from({ length: 6000 }, () => exampleEvent("task.paused"));
      const sent = insistOnAll(bus, events);
      await Promise.all([join(), join()]);
      await handled.reach(1000);
      members[0]?.kill("SIGKILL");
      await join();
      await handled.reach(3000);
      members[1]?.kill("SIGKILL");
      await sent;
      const hasAll = (ids: readonly string[]) => new Set(ids).size === events.length;
      await handled.when(hasAll, "every event");
      await batched.when(hasAll, "every event of the other group");
      const { state } = await manager.streams.info(STREAM);
      assert.equal(state.last_seq, events.length, "an event is stored twice or not at all");
      assert.ok(state.first_seq > events.length / 2, `history from ${state.first_seq} on is still there`);
      assert.ok(state.bytes <= MAX_BYTES * 1.1, `the stream has ${state.bytes} bytes`);
    } finally {
      for (const member of members) member.kill("SIGKILL");
    }
  },
);

roomTest(
  "a group that does not keep up makes the stream reject events, and is named",
  {},
  async ({ bus, other }, log) => {
    const stopped = await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle() {} });
    await stopped.stop();
    const idle = await other();
    const seen = new Collected<string>();
    await idle.subscribe({ ...quick, pattern: "task.*", group: "records", handle: ({ id }) => seen.add(id) });
    const reason = /^the stream KINIT is full: executor__task_due has \d+ events to handle$/;
    const accepted = await fill(bus, () => due(1000));
    await log.when((texts) => texts.some((text) => reason.test(text)), "the warning");
    assert.match(bus.fullReason() ?? "", reason);
    // The size is estimated between two inspections: the next one may find room for a few more.
    accepted.push(...(await fill(bus, () => due(1000))));
    await assert.rejects(bus.send(due(1000)), { type: "BUS_FULL", message: reason });
    const late = new Collected<string>();
    await idle.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle: ({ id }) => late.add(id),
    });
    assert.deepEqual(await late.reach(accepted.length), accepted);
    await insist(bus, due(1000));
    await log.when((texts) => texts.includes("the stream has room again"), "the message");
    assert.equal(bus.fullReason(), undefined);
  },
);

roomTest(
  "events of runs are accepted while dispatches are rejected",
  // Without a group that has unhandled events, the stream is purged, and a slow sender never fills it.
  { audience: { executor: ["task.due"] } },
  async ({ bus }) => {
    await fill(bus, () => due(1000));
    await bus.send(exampleEvent("run.succeeded"));
    await fill(bus, () => exampleEvent("run.succeeded"));
  },
);

roomTest(
  "events wait for a group that has never subscribed, and not for a durable of another program",
  { audience: { records: ["task.due"] } },
  async ({ bus, other, manager }) => {
    await manager.consumers.add(STREAM, {
      durable_name: "foreign",
      filter_subject: "kinit.task.due",
      ack_policy: AckPolicy.Explicit,
    });
    await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle() {} });
    const accepted = await fill(bus, () => due(1000));
    const seen = new Collected<string>();
    await (await other()).subscribe({
      ...quick,
      pattern: "task.due",
      group: "records",
      handle: ({ id }) => seen.add(id),
    });
    assert.deepEqual(await seen.reach(accepted.length), accepted);
    await insist(bus, due(1000));
  },
);

roomTest(
  "old events are purged unless a group has not handled them",
  { maxAgeMs: 300 },
  async ({ bus, manager }) => {
    await (await bus.subscribe({ ...quick, pattern: "task.due", group: "executor", handle() {} })).stop();
    const events = Array.from({ length: 40 }, () => due(10));
    await insistOnAll(bus, events);
    await delay(1500);
    assert.equal((await manager.streams.info(STREAM)).state.messages, events.length);
    const seen = new Collected<string>();
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle: ({ id }) => seen.add(id),
    });
    await seen.reach(events.length);
    const messages = async () => (await manager.streams.info(STREAM)).state.messages;
    await eventually(async () => (await messages()) <= events.length / 4);
  },
);

roomTest("a stream of an earlier version loses the limits that drop unhandled events", {}, async (under) => {
  const { bus, manager, other } = under;
  await insist(bus, due(10));
  await manager.streams.update(STREAM, { max_bytes: 1_000_000, max_age: nanos(3_600_000) });
  const limits = async () => {
    const { config, state } = await manager.streams.info(STREAM);
    return { bytes: config.max_bytes, age: config.max_age, messages: state.messages };
  };
  await other();
  assert.deepEqual(await limits(), { bytes: -1, age: 0, messages: 1 });
  // A process of the earlier version starts while this one runs.
  await manager.streams.update(STREAM, { max_bytes: 1_000_000, max_age: nanos(3_600_000) });
  await eventually(async () => (await limits()).bytes === -1);
});

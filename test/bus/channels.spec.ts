import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { type Delivery, Requeue } from "../../shared/bus/bus.ts";
import { type ChannelContext, channels, subscribe } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../shared/contracts/run-events.ts";
import { silentLog } from "../silent-log.ts";
import { exampleEvent } from "./example-event.ts";

async function brokerWith(...services: ServiceSchema[]) {
  const bus = localBus({ logger: silentLog, deadLetter: async () => {} });
  const broker = new ServiceBroker({
    logger: false,
    middlewares: [channels(bus)],
    registry: { stopDelay: 0 },
  });
  for (const service of services) broker.createService(service);
  await broker.start();
  return broker;
}

test("a channels block receives the event as params, with its correlation", async () => {
  const seen: { params: unknown; requestID: string | null; meta: unknown; service: string | undefined }[] =
    [];
  const broker = await brokerWith({
    name: "executor",
    channels: {
      "task.due": {
        handler(ctx: ChannelContext<DomainEnvelope<"task.due">>) {
          seen.push({
            params: ctx.params,
            requestID: ctx.requestID,
            meta: ctx.meta,
            service: ctx.service?.name,
          });
        },
      },
    },
  });
  const event = exampleEvent("task.due", { correlationid: "correlation-1", actor: "kinit" });
  await broker.sendToChannel(event);
  assert.deepEqual(seen, [
    {
      params: event,
      requestID: "correlation-1",
      meta: { actor: "kinit", traceparent: undefined, causationid: event.id },
      service: "executor",
    },
  ]);
  await broker.stop();
});

test("calls made from a channel carry the event's correlation id", async () => {
  let requestID: string | null = null;
  const broker = await brokerWith(
    {
      name: "probe",
      actions: {
        note(ctx) {
          requestID = ctx.requestID;
        },
      },
    },
    {
      name: "executor",
      channels: subscribe({ "task.due": { handler: (_event, _delivery, ctx) => ctx.call("probe.note") } }),
    },
  );
  await broker.sendToChannel(exampleEvent("task.due", { correlationid: "correlation-2" }));
  assert.equal(requestID, "correlation-2");
  await broker.stop();
});

test("the typed helper passes single events and batches to their handlers", async () => {
  const dues: [string, number][] = [];
  const batches: [string[], number][] = [];
  const broker = await brokerWith({
    name: "records",
    channels: subscribe({
      "task.due": { handler: (due, delivery) => dues.push([due.data.handler, delivery.count]) },
      "run.*": {
        batch: { maxSize: 10, lingerMs: 5 },
        handler: (events, deliveries) => batches.push([events.map(({ type }) => type), deliveries.length]),
      },
    }),
  });
  const due = exampleEvent("task.due");
  await Promise.all([
    broker.sendToChannel(due),
    broker.sendToChannel(exampleEvent("run.started")),
    broker.sendToChannel(exampleEvent("run.succeeded")),
  ]);
  assert.deepEqual(dues, [[due.data.handler, 1]]);
  assert.deepEqual(batches, [[["run.started", "run.succeeded"], 2]]);
  await broker.stop();
});

test("subscriptions start after their service and are drained before it stops", async () => {
  const steps: string[] = [];
  let begun: () => void = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const broker = await brokerWith({
    name: "executor",
    channels: subscribe({
      "task.due": {
        handler: async (_due, { stopping }) => {
          begun();
          await new Promise((resolve) => stopping.addEventListener("abort", resolve));
          await new Promise((resolve) => setImmediate(resolve));
          steps.push("handled");
        },
      },
    }),
    started() {
      steps.push("started");
    },
    stopped() {
      steps.push("stopped");
    },
  });
  assert.equal(broker.bus.isReady(), true);
  const sent = broker.sendToChannel(exampleEvent("task.due"));
  await hasBegun;
  await Promise.all([broker.stop(), sent]);
  assert.deepEqual(steps, ["started", "handled", "stopped"]);
  assert.equal(broker.bus.isReady(), false);
});

test("the sender keeps an event that a handler requeues while the bus stops", async () => {
  let begun: () => void = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const broker = await brokerWith({
    name: "executor",
    channels: subscribe({
      "task.due": {
        handler: async (_due, { stopping }) => {
          begun();
          await new Promise((resolve) => stopping.addEventListener("abort", resolve));
          throw new Requeue("stopping");
        },
      },
    }),
  });
  const sent = assert.rejects(broker.sendToChannel(exampleEvent("task.due")), { type: "BUS_UNAVAILABLE" });
  await hasBegun;
  await broker.stop();
  await sent;
});

test("a misspelt pattern, or a handler for another event, does not compile", () => {
  const takesDue = (_event: DomainEnvelope<"task.due">) => {};
  const takesRuns = (_events: readonly RunEvent[], _deliveries: readonly Delivery[]) => {};
  const batch = { maxSize: 10, lingerMs: 5 };
  const blocks = [
    subscribe({ "task.due": { handler: takesDue }, "run.*": { batch, handler: takesRuns } }),
    // @ts-expect-error no such event
    subscribe({ "task.dew": { handler: () => {} } }),
    // @ts-expect-error no such family
    subscribe({ "tusk.*": { handler: () => {} } }),
    // @ts-expect-error the handler takes another event
    subscribe({ "task.deleted": { handler: takesDue } }),
    // @ts-expect-error the handler takes one event of the family only
    subscribe({ "task.*": { handler: takesDue } }),
    // @ts-expect-error a batch is an array
    subscribe({ "task.due": { batch, handler: takesDue } }),
    // @ts-expect-error without batch, events come singly
    subscribe({ "run.*": { handler: takesRuns } }),
    // @ts-expect-error a batch has a number as its size
    subscribe({ "run.*": { batch: { maxSize: "10", lingerMs: 5 }, handler: () => {} } }),
    // @ts-expect-error no such option
    subscribe({ "run.*": { maxInflight: 5, handler: () => {} } }),
  ];
  assert.equal(blocks.length, 9);
});

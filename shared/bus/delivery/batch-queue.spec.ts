import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exampleEvent } from "../../../test/bus/example-event.ts";
import { BatchQueue } from "./batch-queue.ts";
import { InFlightEvent, type Received } from "./in-flight-event.ts";

const stopping = new AbortController().signal;

function entry(failures = 0): InFlightEvent {
  const event = exampleEvent("task.due");
  const received: Received = {
    body: event,
    position: "1",
    count: 1,
    resent: false,
    lapsedAt: Number.NEGATIVE_INFINITY,
    event: () => event,
    finish() {},
  };
  return Object.assign(new InFlightEvent(received, event, stopping), { failures });
}
const entries = (count: number) => Array.from({ length: count }, () => entry());

function queueOf(events: readonly InFlightEvent[], batch?: { maxSize: number; lingerMs: number }) {
  const lingered = Promise.withResolvers<readonly InFlightEvent[]>();
  const queue = new BatchQueue(batch, () => {
    // A timer may end a fraction of a millisecond early; `take` then starts another one.
    const taken = queue.take();
    if (taken) lingered.resolve(taken);
  });
  for (const event of events) queue.push(event);
  return { queue, lingered: lingered.promise };
}

describe("a batch queue", () => {
  it("returns events one by one, in their order, without batch options", () => {
    const events = entries(2);
    const { queue } = queueOf(events);
    assert.deepEqual([queue.take(), queue.take(), queue.take()], [[events[0]], [events[1]], undefined]);
  });

  it("returns a full batch at once and an incomplete one after its linger time", async () => {
    const events = entries(3);
    const { queue, lingered } = queueOf(events, { maxSize: 2, lingerMs: 20 });
    assert.deepEqual(queue.take(), events.slice(0, 2));
    assert.equal(queue.take(), undefined);
    assert.deepEqual(await lingered, events.slice(2));
  });

  it("returns an event that failed before all others, and alone", () => {
    const events = entries(2);
    const retried = entry(1);
    const { queue } = queueOf(events, { maxSize: 2, lingerMs: 1000 });
    queue.pushRetry(retried);
    assert.deepEqual([queue.take(), queue.take()], [[retried], events]);
  });

  it("returns everything that waits when it is closed", () => {
    const events = entries(3);
    const { queue } = queueOf(events, { maxSize: 10, lingerMs: 1000 });
    assert.equal(queue.take(), undefined);
    assert.deepEqual([...queue.close()], events);
    assert.equal(queue.take(), undefined);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { paused } from "./outbox.fixture.ts";
import { type Entry, SendQueue } from "./send-queue.ts";

const taskId = "66f2a1b00a1b2c3d4e5f6070";
const now = Date.parse("2026-01-05T08:00:00.000Z");
const WINDOW = 100;
const events = (count: number): DomainEnvelope[] =>
  Array.from({ length: count }, () => seal(paused(taskId), { subject: `task-${taskId}`, now }));
const queueOf = (own: readonly DomainEnvelope[]) => {
  const queue = new SendQueue();
  queue.add(own, { resent: false, now });
  return queue;
};
const takeAll = (queue: SendQueue, at = now): Entry[] => {
  const taken: Entry[] = [];
  for (let entry = queue.take(at, WINDOW); entry; entry = queue.take(at, WINDOW)) taken.push(entry);
  return taken;
};
const ids = (all: readonly (Entry | DomainEnvelope)[]) =>
  all.map((each) => ("event" in each ? each.event.id : each.id));

describe("the queue of an outbox", () => {
  it("returns events in their order, at most as many as may be sent at a time", () => {
    const own = events(3);
    const queue = queueOf(own);
    const [first, second] = [queue.take(now, 2) as Entry, queue.take(now, 2) as Entry];
    assert.deepEqual([ids([first, second]), queue.take(now, 2)], [ids(own.slice(0, 2)), undefined]);
    queue.accepted(first);
    assert.deepEqual(ids([queue.take(now, 2) as Entry]), ids(own.slice(2)));
    assert.equal(queue.pending, 2);
  });

  it("returns refused events before all others, in their old order, as repetitions", () => {
    const own = events(3);
    const queue = queueOf(own);
    const [first, second] = [queue.take(now, 2) as Entry, queue.take(now, 2) as Entry];
    queue.refused(second);
    queue.refused(first);
    queue.requeueRefused();
    const again = takeAll(queue);
    assert.deepEqual(ids(again), ids(own));
    assert.deepEqual(
      again.map(({ resent }) => resent),
      [true, true, false],
    );
  });

  it("marks an event that waited for long as a repetition", () => {
    const own = events(1);
    assert.equal(takeAll(queueOf(own), now + 30_000)[0]?.resent, false);
    assert.equal(takeAll(queueOf(own), now + 30_001)[0]?.resent, true);
  });

  it("names unaccepted events in its checkpoint, those set aside included, and adopted ones not", () => {
    const [own, adopted] = [events(3), events(1)];
    const queue = queueOf(own);
    let accepted = 0;
    queue.adopt(adopted, () => {
      accepted += 1;
    });
    const [first, second, , other] = takeAll(queue) as [Entry, Entry, Entry, Entry];
    queue.accepted(first);
    queue.accepted(other);
    queue.setAside();
    assert.equal(accepted, 1);
    assert.deepEqual(queue.checkpoint([]), {
      position: own[2]?.id,
      pending: [second.event.id, own[2]?.id],
    });
  });

  it("sorts events whose commit was reported late by their commits", () => {
    const own = events(3);
    const queue = queueOf(own.slice(1));
    queue.add(own.slice(0, 1), { resent: true, now });
    queue.sort();
    assert.deepEqual(ids(takeAll(queue)), ids(own));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BusUnavailable, type SendOptions } from "../../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { operationEvents } from "../../../shared/contracts/operation-events.ts";
import { seal } from "../../../shared/envelope.ts";
import type { Log } from "../../../shared/log.ts";
import { eventually } from "../../../test/eventually.ts";
import { operationQueue } from "./operation-queue.ts";

const { example: data } = operationEvents.contracts["operation.recorded"];
const operation = () =>
  seal({ type: "operation.recorded", data }, { subject: "operation-2026-01-05", now: 0 });

/** A bus that rejects while it is away, and lines of the log. */
function surroundings() {
  const accepted: { event: DomainEnvelope; resent: boolean | undefined }[] = [];
  const lines: string[] = [];
  const write = (_: unknown, message: string) => void lines.push(message);
  const log = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
  } as unknown as Log;
  const state = { isAway: false, hangs: false };
  const bus = {
    async send(event: DomainEnvelope, { resent }: SendOptions = {}) {
      if (state.hangs) return new Promise<void>(() => {});
      if (state.isAway) throw new BusUnavailable("away");
      accepted.push({ event, resent });
    },
  };
  return { accepted, lines, log, bus, state };
}

describe("the queue of operations", () => {
  it("sends again, in order, until the bus accepts, and marks what was sent before", async () => {
    const { accepted, bus, log, state } = surroundings();
    const queue = operationQueue({ bus, log, retryMs: 5 });
    state.isAway = true;
    const [first, second] = [operation(), operation()];
    queue.add(first);
    queue.add(second);
    await new Promise((resolve) => setImmediate(resolve));
    state.isAway = false;
    const third = operation();
    queue.add(third);
    await eventually(() => accepted.length === 3);
    assert.deepEqual(
      accepted.map(({ event, resent }) => [event.id, resent]),
      [
        [first.id, true],
        [second.id, true],
        [third.id, false],
      ],
    );
    await queue.stop(1000);
  });

  it("has no room at its limit, logs the first rejection, and counts them when there is room again", async () => {
    const { bus, lines, log, state } = surroundings();
    const queue = operationQueue({ bus, log, limit: 1, retryMs: 5 });
    state.isAway = true;
    queue.add(operation());
    assert.equal(queue.hasRoom(), false);
    queue.rejected();
    queue.rejected();
    state.isAway = false;
    await eventually(() => queue.hasRoom());
    assert.deepEqual(
      lines.filter((line) => !line.includes("wait for the bus")),
      ["requests are rejected, since operations cannot be recorded", "operations can be recorded again"],
    );
  });

  it("stops when everything is accepted, or at its limit, and logs what is lost", async () => {
    const { bus, lines, log, state } = surroundings();
    const done = operationQueue({ bus, log });
    done.add(operation());
    await done.stop(60_000);
    assert.deepEqual(lines, []);
    state.hangs = true;
    const stuck = operationQueue({ bus, log });
    stuck.add(operation());
    await stuck.stop(1);
    assert.deepEqual(lines, ["the bus did not accept these operations before the stop"]);
  });
});

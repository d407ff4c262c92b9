import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Bus } from "../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { isRetryable } from "../../shared/errors.ts";

/** Sends an event until it is accepted, as the outbox does. */
export async function insist(bus: Bus, event: DomainEnvelope): Promise<void> {
  for (let resent = false; ; resent = true) {
    try {
      return await bus.send(event, { resent });
    } catch (error) {
      assert.ok(isRetryable(error), String(error));
      await delay(50);
    }
  }
}

export async function insistOnAll(bus: Bus, events: readonly DomainEnvelope[]): Promise<void> {
  for (let i = 0; i < events.length; i += 50)
    await Promise.all(events.slice(i, i + 50).map((event) => insist(bus, event)));
}

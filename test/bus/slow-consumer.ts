import { setTimeout as delay } from "node:timers/promises";
import { jetStreamBus } from "../../shared/bus/jetstream/jetstream-bus.ts";
import { silentLog } from "../silent-log.ts";

// A process for a test to kill: handles events and reports each to its parent. It also purges the stream.
const [url = ""] = process.argv.slice(2);
const bus = jetStreamBus({
  url,
  name: "slow",
  logger: silentLog,
  audience: { executor: ["task.paused"] },
  maxBytes: 262_144,
  maxAgeMs: 3_600_000,
});
await bus.start();
await bus.subscribe({
  pattern: "task.paused",
  group: "executor",
  maxInFlight: 20,
  ackWaitMs: 500,
  maxDeliver: 3,
  backoffMs: [50],
  async handle({ id }) {
    await delay(1);
    process.send?.(id);
  },
});

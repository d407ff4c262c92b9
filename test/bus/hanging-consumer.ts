import { jetStreamBus } from "../../shared/bus/jetstream/jetstream-bus.ts";
import { silentLog } from "../silent-log.ts";

// A process for a test to kill: receives one event, reports it to its parent, and never finishes it.
const [url = "", ackWaitMs = ""] = process.argv.slice(2);
const bus = jetStreamBus({
  url,
  name: "hanging",
  logger: silentLog,
  audience: {},
  maxBytes: 67_108_864,
  maxAgeMs: 3_600_000,
});
await bus.start();
await bus.subscribe({
  pattern: "task.due",
  group: "executor",
  maxInFlight: 10,
  ackWaitMs: Number(ackWaitMs),
  maxDeliver: 3,
  backoffMs: [50],
  handle({ id }) {
    process.send?.(id);
    return new Promise(() => {});
  },
});

import { monitorEventLoopDelay } from "node:perf_hooks";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";

/** Runs an embedded server as a separate process, to measure its memory and its event loop alone. */
const [dir = "", sync = "full"] = process.argv.slice(2);
const started = performance.now();
const server = await startEmbeddedMongo(
  dir === "memory" ? { memory: true } : { dir, sync: sync === "normal" ? "normal" : "full" },
);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

/** Requests of the bench: memory after a garbage collection, or the longest block since the last request. */
process.on("message", async (question: "memory" | "block" | "stop") => {
  if (question === "memory") {
    globalThis.gc?.();
    process.send?.(process.memoryUsage().rss);
  } else if (question === "block") {
    process.send?.(delay.max / 1e6);
    delay.reset();
  } else {
    await server.close();
    process.disconnect();
  }
});
process.send?.({ url: server.url, startMs: performance.now() - started });

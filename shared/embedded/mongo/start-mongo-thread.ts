import { Worker } from "node:worker_threads";
import { budgetNews } from "./budget.ts";
import type { ThreadReport } from "./mongo-thread.ts";
import type { EmbeddedMongo, EmbeddedMongoOptions } from "./start-embedded-mongo.ts";
import { EmbeddedMongoError } from "./store/embedded-mongo-error.ts";

export interface MongoThread extends Pick<EmbeddedMongo, "url" | "port" | "close"> {
  /** Rejects if the thread ends before it was closed: the data cannot be reached any more. */
  readonly failed: Promise<never>;
  /** What has outgrown the budget, in words; null where nothing has. */
  overBudget(): string | null;
}

/**
 * Half of what V8 gives to young objects; by itself it takes up to 64 MB. Almost everything that a database makes stays,
 * so each collection copies a half that is full: 16 MB take 10 to 20 ms. And the memory is never given back, which
 * came to 500 bytes for each of 200,000 documents.
 */
export const HALF_OF_YOUNG_MB = 16;

/**
 * Starts the embedded server in a thread of its own: the services and their store then share the machine's cores
 * instead of one event loop, and a long scan holds up nobody's timers.
 *
 * @throws EmbeddedMongoError as `startEmbeddedMongo`
 */
export async function startMongoThread({
  log = () => {},
  onBudget = (reason) => log(budgetNews(reason)),
  ...options
}: EmbeddedMongoOptions): Promise<MongoThread> {
  const worker = new Worker(new URL("./mongo-thread.ts", import.meta.url), {
    workerData: options,
    // Two halves, and as much as one of them for large objects.
    resourceLimits: { maxYoungGenerationSizeMb: 3 * HALF_OF_YOUNG_MB },
  });
  const started = Promise.withResolvers<{ url: string; port: number }>();
  const closed = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  let isClosing = false;
  let overBudget: string | null = null;

  worker.on("message", (report: ThreadReport) => {
    if (report.kind === "log") log(report.message);
    if (report.kind === "budget") {
      overBudget = report.reason;
      onBudget(overBudget);
    }
    if (report.kind === "started") started.resolve(report);
    if (report.kind === "closed") closed.resolve();
    if (report.kind === "refused") {
      const { message, type = "MONGO_NOT_STARTED" } = report;
      started.reject(new EmbeddedMongoError(message, { type, code: 500 }));
    }
  });
  const end = (cause?: unknown) => {
    const error = new EmbeddedMongoError("the thread of the embedded MongoDB server has ended", {
      type: "MONGO_THREAD_ENDED",
      code: 500,
      cause,
    });
    started.reject(error);
    closed.resolve();
    if (!isClosing) failed.reject(error);
  };
  worker.on("error", end);
  worker.on("exit", () => end());
  // Whoever does not wait for a failure is told by the operations that fail.
  failed.promise.catch(() => {});

  const { url, port } = await started.promise;
  return {
    url,
    port,
    failed: failed.promise,
    overBudget: () => overBudget,
    async close() {
      if (!isClosing) worker.postMessage("close");
      isClosing = true;
      await closed.promise;
    },
  };
}

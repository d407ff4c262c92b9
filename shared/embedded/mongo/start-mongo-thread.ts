import { Worker } from "node:worker_threads";
import { budgetMessage } from "./budget.ts";
import type { ThreadReport } from "./mongo-thread.ts";
import type { EmbeddedMongo, EmbeddedMongoOptions } from "./start-embedded-mongo.ts";
import { EmbeddedMongoError } from "./store/embedded-mongo-error.ts";

export interface MongoThread extends Pick<EmbeddedMongo, "url" | "port" | "close"> {
  /** Rejects if the thread ends before `close`: the data can no longer be reached. */
  readonly failed: Promise<never>;
  /** What exceeds the budget, in words; null if nothing does. */
  overBudget(): string | null;
}

/**
 * Size of one semi-space of V8's young generation, which would grow to 64 MB by default. Most objects that a
 * database creates survive, so each scavenge copies a full semi-space: 16 MB take 10 to 20 ms. V8 does not return
 * this memory either: with the default, that cost 500 bytes for each of 200,000 documents.
 */
export const SEMI_SPACE_MB = 16;

/**
 * Starts the embedded server in a worker thread, so that services and store run on different cores and a long
 * scan does not delay the timers of the services.
 *
 * @throws EmbeddedMongoError as `startEmbeddedMongo`
 */
export async function startMongoThread({
  log = () => {},
  onBudget = (reason) => log(budgetMessage(reason)),
  ...options
}: EmbeddedMongoOptions): Promise<MongoThread> {
  const worker = new Worker(new URL("./mongo-thread.ts", import.meta.url), {
    workerData: options,
    // Two semi-spaces, and the size of one more for large objects.
    resourceLimits: { maxYoungGenerationSizeMb: 3 * SEMI_SPACE_MB },
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
    if (report.kind === "failed") {
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
  // Without a listener on `failed`, callers notice through the operations that fail.
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

import { parentPort, workerData } from "node:worker_threads";
import { type EmbeddedMongoOptions, startEmbeddedMongo } from "./start-embedded-mongo.ts";
import { EmbeddedMongoError } from "./store/embedded-mongo-error.ts";

/** The messages that the thread sends to its owner. */
export type ThreadReport =
  | { readonly kind: "log"; readonly message: string }
  | { readonly kind: "budget"; readonly reason: string | null }
  | { readonly kind: "started"; readonly url: string; readonly port: number }
  | { readonly kind: "failed"; readonly message: string; readonly type: string | undefined }
  | { readonly kind: "closed" };

/** Runs the server in this thread and reports to `start-mongo-thread.ts`. */
async function serve(): Promise<void> {
  const report = (message: ThreadReport) => parentPort?.postMessage(message);
  const options = workerData as EmbeddedMongoOptions;
  try {
    const server = await startEmbeddedMongo({
      ...options,
      log: (message) => report({ kind: "log", message }),
      onBudget: (reason) => report({ kind: "budget", reason }),
    });
    report({ kind: "started", url: server.url, port: server.port });
    parentPort?.once("message", async () => {
      await server.close();
      report({ kind: "closed" });
      parentPort?.close();
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report({ kind: "failed", message, type: error instanceof EmbeddedMongoError ? error.type : undefined });
    parentPort?.close();
  }
}

await serve();

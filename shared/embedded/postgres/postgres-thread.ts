import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";

export interface PostgresThreadOptions {
  /** Where the data is; it must be locked by the caller. */
  readonly directory: string;
}

/** What the thread receives: bytes of PostgreSQL's protocol, or the end. */
export type ThreadRequest = Uint8Array | "close";

/** What the thread sends to its owner. */
export type ThreadReport =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "closed" };

/** PGlite switches fsync off; here a commit is durable. */
const WITHOUT_FSYNC = "-F";
/** Its default of 128 MB of shared buffers is half of the memory that the thread needs. */
const SHARED_BUFFERS = ["-c", "shared_buffers=8MB"];

/** Runs PostgreSQL in this thread, for one connection. */
async function serve(): Promise<void> {
  const report = (message: ThreadReport) => parentPort?.postMessage(message);
  const { directory } = workerData as PostgresThreadOptions;
  let postgres: PGlite;
  try {
    const params = PGlite.defaultStartParams.filter((param) => param !== WITHOUT_FSYNC);
    postgres = await PGlite.create({ dataDir: directory, startParams: [...params, ...SHARED_BUFFERS] });
  } catch (error) {
    report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    parentPort?.close();
    return;
  }
  let last: Promise<void> = Promise.resolve();
  const inOrder = (work: () => Promise<void>) => {
    last = last.then(work);
  };
  parentPort?.on("message", (request: ThreadRequest) =>
    inOrder(async () => {
      if (request !== "close") {
        report({ kind: "bytes", bytes: await postgres.execProtocolRaw(request) });
        return;
      }
      await postgres.close();
      report({ kind: "closed" });
      parentPort?.close();
    }),
  );
  report({ kind: "started" });
}

await serve();

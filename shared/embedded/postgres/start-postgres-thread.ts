import type { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import { AppError } from "../../errors.ts";
import type { PostgresThreadOptions, ThreadReport, ThreadRequest } from "./postgres-thread.ts";
import { ThreadStream } from "./thread-stream.ts";

export interface PostgresThread {
  /** A connection for `pg`. There is one at a time, since PostgreSQL has one session here. */
  connect(): Duplex;
  /** Rejects if the thread ends before `close`: the data can no longer be reached. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

export interface PostgresThreadOwner extends PostgresThreadOptions {
  /** Called before each request; false stops all of them, since another process has taken the directory. */
  readonly isHeld: () => boolean;
}

/**
 * Starts an embedded PostgreSQL (PGlite) in a worker thread: it computes for seconds when it starts, and for
 * milliseconds in each transaction, in which no timer of the services could run.
 *
 * @throws AppError `DATA_DIRECTORY_UNUSABLE`
 */
export async function startPostgresThread(options: PostgresThreadOwner): Promise<PostgresThread> {
  const { directory, isHeld } = options;
  const worker = new Worker(new URL("./postgres-thread.ts", import.meta.url), { workerData: { directory } });
  const started = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  let stream: ThreadStream | undefined;
  let isClosing = false;

  const end = (cause?: unknown) => {
    const error = new PostgresEnded(directory, cause);
    started.reject(error);
    closed.resolve();
    stream?.destroy(isClosing ? undefined : error);
    if (!isClosing) failed.reject(error);
  };
  worker.on("message", (report: ThreadReport) => {
    if (report.kind === "started") started.resolve();
    if (report.kind === "bytes") stream?.receive(report.bytes);
    if (report.kind === "closed") closed.resolve();
    if (report.kind === "failed") started.reject(new PostgresEnded(directory, report.message));
  });
  worker.on("error", end);
  worker.on("exit", () => end());
  failed.promise.catch(() => {});
  await started.promise;
  return {
    failed: failed.promise,
    connect() {
      stream?.destroy();
      stream = new ThreadStream((bytes) => {
        if (!isHeld()) {
          end("another process has taken the directory");
          return;
        }
        worker.postMessage(bytes satisfies ThreadRequest);
      });
      return stream;
    },
    async close() {
      if (!isClosing) worker.postMessage("close" satisfies ThreadRequest);
      isClosing = true;
      await closed.promise;
    },
  };
}

class PostgresEnded extends AppError {
  constructor(directory: string, cause: unknown) {
    const reason = cause === undefined ? "its thread has ended" : String((cause as Error).message ?? cause);
    super(`The embedded PostgreSQL in ${directory} cannot be used: ${reason}`, {
      type: "DATA_DIRECTORY_UNUSABLE",
      cause,
    });
  }
}

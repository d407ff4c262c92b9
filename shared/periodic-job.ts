import { errorMessage } from "./errors.ts";
import type { Log } from "./log.ts";

/** Work that is repeated at an interval, one execution at a time. */
export interface PeriodicJob {
  /** Schedules the first execution after one pause. */
  start(): void;
  /** Starts no further execution; resolves once the current one has ended. */
  stop(): Promise<void>;
}

export interface PeriodicJobOptions {
  /** Pause between two executions, in milliseconds. */
  readonly everyMs: number;
  /** One execution; it should end soon after the signal is aborted. */
  readonly work: (stopping: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Logged with the reason when an execution fails; the next one is scheduled nevertheless. */
  readonly failure: string;
}

export function createPeriodicJob({ everyMs, work, log, failure }: PeriodicJobOptions): PeriodicJob {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();

  function next(): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      current = work(stopping.signal)
        .catch((error: unknown) => log.warn({ reason: errorMessage(error) }, failure))
        .finally(next);
    }, everyMs);
  }

  return {
    start: next,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await current;
    },
  };
}

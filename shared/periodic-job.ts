import { errorMessage } from "./errors.ts";
import type { Log } from "./log.ts";

/** Work that is done again and again, one round at a time. */
export interface PeriodicJob {
  /** The first round begins after one pause. */
  start(): void;
  /** Begins no more; resolves when the round that is under way has ended. */
  stop(): Promise<void>;
}

export interface PeriodicJobOptions {
  /** Pause between two rounds. */
  readonly everyMs: number;
  /** One round; it should end soon once it is stopped. */
  readonly work: (stopping: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Written with the reason when a round fails; the next one comes all the same. */
  readonly failure: string;
}

export function createPeriodicJob({ everyMs, work, log, failure }: PeriodicJobOptions): PeriodicJob {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  function next(): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      round = work(stopping.signal)
        .catch((error: unknown) => log.warn({ reason: errorMessage(error) }, failure))
        .finally(next);
    }, everyMs);
  }

  return {
    start: next,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await round;
    },
  };
}

import { performance } from "node:perf_hooks";
import type { Log } from "../../../shared/log.ts";

/** Logs which handler blocked the event loop and so delayed every other run of this executor. */
export interface LoopWatch {
  /** A handler was called at `from` (`performance.now()`); the call has returned a result or a promise. */
  called(handler: string, from: number): void;
  /** A handler no longer runs. */
  returned(handler: string): void;
  close(): void;
}

export interface LoopWatchDeps {
  readonly log: Pick<Log, "warn">;
  /** Returns the names of the handlers that run now. */
  running(): Iterable<string>;
}

/** Shorter blocks are not logged. */
export const BLOCK_MS = 200;
const CHECK_EVERY_MS = 50;

/**
 * The part of a handler before its first `await` is timed by itself, so its name is certain. Later parts cannot be told
 * apart without tracing every promise, so all handlers that ran during a block are logged together.
 */
export function loopWatch({ log, running }: LoopWatchDeps): LoopWatch {
  const returnedSinceCheck = new Set<string>();
  let last = performance.now();
  let reportedMs = 0;

  const check = (): void => {
    const now = performance.now();
    const blocked = Math.round(now - last - CHECK_EVERY_MS - reportedMs);
    last = now;
    if (blocked > BLOCK_MS) {
      const handlers = [...new Set([...running(), ...returnedSinceCheck])].sort();
      // Without a handler, the process is starting or the machine is busy.
      if (handlers.length > 0)
        log.warn({ handlers, ms: blocked }, "the event loop was blocked while these handlers were at work");
    }
    reportedMs = 0;
    returnedSinceCheck.clear();
  };
  const timer = setInterval(check, CHECK_EVERY_MS).unref();

  return {
    called(handler, from) {
      const took = Math.round(performance.now() - from);
      if (took <= BLOCK_MS) return;
      reportedMs += took;
      log.warn({ handler, ms: took }, "a handler blocked the event loop; it should pause, or work elsewhere");
    },
    returned: (handler) => {
      returnedSinceCheck.add(handler);
    },
    close: () => clearInterval(timer),
  };
}

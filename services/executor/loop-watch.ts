import { performance } from "node:perf_hooks";
import type { Log } from "../../shared/log.ts";

/** Reports which handler blocked the event loop, and with it every other run of this executor. */
export interface LoopWatch {
  /** A handler was called at `from` (`performance.now()`) and has returned, with a result or a promise. */
  called(handler: string, from: number): void;
  settled(handler: string): void;
  close(): void;
}

export interface LoopWatchDeps {
  readonly log: Pick<Log, "warn">;
  /** Names of the handlers that run now. */
  running(): Iterable<string>;
}

/** A shorter block is not worth a line. */
export const BLOCK_MS = 200;
const LOOK_EVERY_MS = 50;

/**
 * What a handler does up to its first `await` is timed itself and blamed for certain. A later part cannot be told
 * apart without tracing every promise, so those that were at work during a block are named together.
 */
export function loopWatch({ log, running }: LoopWatchDeps): LoopWatch {
  const settledSinceLook = new Set<string>();
  let last = performance.now();
  let blamedMs = 0;

  const look = (): void => {
    const now = performance.now();
    const blocked = Math.round(now - last - LOOK_EVERY_MS - blamedMs);
    last = now;
    if (blocked > BLOCK_MS) {
      const handlers = [...new Set([...running(), ...settledSinceLook])].sort();
      // Without any it is the start of the process, or a busy machine.
      if (handlers.length > 0)
        log.warn({ handlers, ms: blocked }, "the event loop was blocked while these handlers were at work");
    }
    blamedMs = 0;
    settledSinceLook.clear();
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();

  return {
    called(handler, from) {
      const took = Math.round(performance.now() - from);
      if (took <= BLOCK_MS) return;
      blamedMs += took;
      log.warn({ handler, ms: took }, "a handler blocked the event loop; it should pause, or work elsewhere");
    },
    settled: (handler) => {
      settledSinceLook.add(handler);
    },
    close: () => clearInterval(timer),
  };
}

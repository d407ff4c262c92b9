import { performance } from "node:perf_hooks";

/** Says which handler held up the event loop, and with it every other run of this executor. */
export interface LoopWatch {
  /** A handler was called at `from` (`performance.now()`) and has returned, with a result or a promise. */
  called(handler: string, from: number): void;
  settled(handler: string): void;
  close(): void;
}

export interface LoopWatchDeps {
  warn(message: string): void;
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
export function loopWatch({ warn, running }: LoopWatchDeps): LoopWatch {
  const settledSinceLook = new Set<string>();
  let last = performance.now();
  let blamedMs = 0;

  const look = (): void => {
    const now = performance.now();
    const blocked = Math.round(now - last - LOOK_EVERY_MS - blamedMs);
    last = now;
    if (blocked > BLOCK_MS) {
      const names = [...new Set([...running(), ...settledSinceLook])].sort();
      // Without any it is the start of the process, or a busy machine.
      if (names.length > 0)
        warn(`the event loop was blocked for ${blocked} ms; handlers at work: ${names.join(", ")}`);
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
      warn(`handler ${handler} blocked the event loop for ${took} ms; it should pause, or work elsewhere`);
    },
    settled: (handler) => {
      settledSinceLook.add(handler);
    },
    close: () => clearInterval(timer),
  };
}

import { performance } from "node:perf_hooks";
import type { Clock } from "../../../shared/clock.ts";
import type { Log } from "../../../shared/log.ts";

/** Detects that this process did not run for a while: it was suspended, its machine slept, or a handler blocked it. */
export interface GapWatch {
  /**
   * To be called before a run is started: after a suspension, timers fire before sockets are read, so messages that
   * arrived meanwhile, such as a revocation, are still unread.
   */
  check(): void;
  /** End of the last gap, ISO-8601; the creation of the watch counts as one. */
  readonly endedAt: string;
  /** End of the last gap, as `performance.now()`. */
  readonly endedAtMono: number;
  close(): void;
}

export interface GapWatchDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

/** A shorter pause is not a gap: a revocation waits longer than this for its response. */
export const GAP_MS = 500;
const CHECK_EVERY_MS = 100;

export function gapWatch({ clock, log }: GapWatchDeps): GapWatch {
  let mono = performance.now();
  let wall = clock.now();
  const ended = { at: new Date(wall).toISOString(), mono };

  const check = (): void => {
    const lastMono = mono;
    const lastWall = wall;
    mono = performance.now();
    wall = clock.now();
    // The monotonic clock stops while a machine sleeps; the wall clock may be set back during a suspension.
    const gap = Math.max(mono - lastMono, wall - lastWall);
    if (gap <= GAP_MS) return;
    ended.at = new Date(wall).toISOString();
    ended.mono = mono;
    log.warn(
      { ms: Math.round(gap) },
      "this process was suspended: runs dispatched before now are confirmed first",
    );
  };
  const timer = setInterval(check, CHECK_EVERY_MS).unref();

  return {
    check,
    get endedAt() {
      return ended.at;
    },
    get endedAtMono() {
      return ended.mono;
    },
    close: () => clearInterval(timer),
  };
}

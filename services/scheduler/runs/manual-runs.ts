import type { Clock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";

/** A task was run by hand as often as it may be; `data.retryAfterMs` says when the next run is admitted. */
export class RateLimited extends AppError {
  constructor(taskId: string, perMinute: number, retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1000);
    super(
      `A task may be run now ${perMinute} times a minute (MANUAL_RUNS_PER_MINUTE); try again in ${seconds} s`,
      {
        type: "RATE_LIMITED",
        data: { taskId, limit: perMinute, retryAfterMs },
      },
    );
  }
}

export interface ManualRun {
  readonly runId: string;
  readonly at: number;
}

/** How often each task may be run now, whoever asks: a task that runs itself would otherwise never end. */
export interface ManualRuns {
  /**
   * Carries out a run where the limit admits it; a repetition of the same command counts once, a run that fails not at
   * all. Error: `RATE_LIMITED`.
   */
  admit<T>(run: { taskId: string; runId: string }, carryOut: () => Promise<T>): Promise<T>;
}

export interface ManualRunsOptions {
  /** 0: no limit. */
  readonly perMinute: number;
  readonly clock: Clock;
  /** Changes whenever this process becomes the active scheduler: others may have run tasks in between. */
  readonly epoch: () => number | null;
  /** A task's runs by hand since an instant, as they are stored, the oldest first. */
  readonly recent: (taskId: string, since: number) => Promise<readonly ManualRun[]>;
}

const MINUTE_MS = 60_000;

/** Instants of a task's runs by their ids, the oldest first. */
type Window = Map<string, number>;

export function manualRuns({ perMinute, clock, epoch, recent }: ManualRunsOptions): ManualRuns {
  const windows = new Map<string, Promise<Window>>();
  let windowsEpoch: number | null = null;
  let sweptAt = 0;

  function windowOf(taskId: string, now: number): Promise<Window> {
    if (epoch() !== windowsEpoch) windows.clear();
    windowsEpoch = epoch();
    const known = windows.get(taskId);
    if (known) return known;
    const read = recent(taskId, now - MINUTE_MS).then(
      (runs) => new Map(runs.map(({ runId, at }) => [runId, at])),
    );
    windows.set(taskId, read);
    read.catch(() => windows.delete(taskId));
    return read;
  }

  /** What is a minute old is in no window; a task that is run again later is read from the store again. */
  async function sweep(now: number): Promise<void> {
    if (Math.abs(now - sweptAt) < MINUTE_MS) return;
    sweptAt = now;
    for (const [taskId, read] of windows) {
      const window = await read.catch(() => new Map<string, number>());
      expire(window, now);
      if (window.size === 0 && windows.get(taskId) === read) windows.delete(taskId);
    }
  }

  return {
    async admit({ taskId, runId }, carryOut) {
      if (perMinute === 0) return carryOut();
      const now = clock.now();
      await sweep(now);
      const window = await windowOf(taskId, now);
      expire(window, now);
      if (window.has(runId)) return carryOut();
      const [oldest = now] = window.values();
      if (window.size >= perMinute) throw new RateLimited(taskId, perMinute, oldest + MINUTE_MS - now);
      window.set(runId, now);
      try {
        return await carryOut();
      } catch (error) {
        window.delete(runId);
        throw error;
      }
    },
  };
}

/** An instant far ahead is from before the clock was set back. */
function expire(window: Window, now: number): void {
  for (const [runId, at] of window) {
    if (at <= now - MINUTE_MS || at > now + MINUTE_MS) window.delete(runId);
  }
}

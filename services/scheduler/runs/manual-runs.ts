import type { Clock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";

/** A task has reached the limit of manual runs; `data.retryAfterMs` is when the next run is admitted. */
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

/** Limits how often each task may be run now: without a limit, a task that runs itself would never stop. */
export interface ManualRuns {
  /**
   * Executes `dispatch` if the limit allows it. A repeated command counts once, a failed one does not count.
   *
   * @throws RateLimited `RATE_LIMITED`
   */
  admit<T>(run: { taskId: string; runId: string }, dispatch: () => Promise<T>): Promise<T>;
}

export interface ManualRunsOptions {
  /** 0: no limit. */
  readonly perMinute: number;
  readonly clock: Clock;
  /** Changes when this process becomes the active scheduler: other processes may have run tasks before. */
  readonly epoch: () => number | null;
  /** The stored manual runs of a task since an instant, oldest first. */
  readonly recent: (taskId: string, since: number) => Promise<readonly ManualRun[]>;
}

const MINUTE_MS = 60_000;

/** Instants of a task's manual runs by run id, oldest first. */
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

  /** Removes runs older than a minute. A task that is run again later is read from the store again. */
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
    async admit({ taskId, runId }, dispatch) {
      if (perMinute === 0) return dispatch();
      const now = clock.now();
      await sweep(now);
      const window = await windowOf(taskId, now);
      expire(window, now);
      if (window.has(runId)) return dispatch();
      const [oldest = now] = window.values();
      if (window.size >= perMinute) throw new RateLimited(taskId, perMinute, oldest + MINUTE_MS - now);
      window.set(runId, now);
      try {
        return await dispatch();
      } catch (error) {
        window.delete(runId);
        throw error;
      }
    },
  };
}

/** An instant far in the future is from before the clock was set back. */
function expire(window: Window, now: number): void {
  for (const [runId, at] of window) {
    if (at <= now - MINUTE_MS || at > now + MINUTE_MS) window.delete(runId);
  }
}

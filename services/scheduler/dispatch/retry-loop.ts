import type { Clock } from "../../../shared/clock.ts";
import type { TaskDue } from "../../../shared/contracts/task-events.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import type { TaskStore, VersionedTask } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { isDefined, isWithdrawn, type OpenRun } from "../task/task-state.ts";

/** Dispatches the next attempts of runs when they are due. Only those of the near future are in memory. */
export interface RetryLoop {
  start(): void;
  /** Dispatches nothing more. Resolves when no dispatch is in flight. */
  stop(): Promise<void>;
  /** Plans the retries of a task whose state has changed. */
  stateChanged(taskId: string, state: VersionedTask): void;
}

export interface RetryLoopOptions {
  readonly tasks: Pick<TaskStore, "retriesUntil">;
  readonly commandHandler: Pick<TaskCommandHandler, "handle">;
  /** The `task.due` of a run's latest attempt. */
  readonly dispatched: (taskId: string, runId: string) => Promise<TaskDue["data"] | null>;
  readonly clock: Clock;
  readonly log: Log;
  readonly lookAheadMs: number;
}

interface Retry extends HeapEntry {
  readonly taskId: string;
  readonly runId: string;
}

const MAX_IN_FLIGHT = 100;
const PAGE_SIZE = 1000;
const AGAIN_MS = 500;

export function createRetryLoop(options: RetryLoopOptions): RetryLoop {
  return new StoredRetryLoop(options);
}

class StoredRetryLoop implements RetryLoop {
  readonly #options: RetryLoopOptions;
  readonly #queue = new MinHeap<Retry>();
  readonly #planned = new Map<string, Retry>();
  readonly #inFlight = new Set<Promise<void>>();
  #loading: Promise<void> | undefined;
  #loadAt = 0;
  #loadedUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = true;

  constructor(options: RetryLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStopped = false;
    this.#loadAt = 0;
    this.#setTimer();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#loading;
    await Promise.all(this.#inFlight);
    while (this.#queue.take());
    this.#planned.clear();
  }

  stateChanged(taskId: string, { task }: VersionedTask): void {
    if (this.#isStopped || !isDefined(task)) return;
    for (const run of task.openRuns) if (run.retryAt !== undefined) this.#plan(taskId, run);
  }

  #plan(taskId: string, run: OpenRun): void {
    const { runId, retryAt } = run;
    if (retryAt === undefined || retryAt > this.#loadedUntil || isWithdrawn(run)) return;
    if (this.#planned.has(runId)) return;
    this.#enqueue({ taskId, runId, at: retryAt, sequence: 0, position: -1 });
  }

  #enqueue(retry: Retry): void {
    this.#planned.set(retry.runId, retry);
    this.#queue.add(retry);
    if (this.#queue.peek() === retry) this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || this.#inFlight.size >= MAX_IN_FLIGHT) return;
    const next = Math.min(this.#queue.peek()?.at ?? this.#loadAt, this.#loadAt);
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, next - this.#options.clock.now()));
  }

  #wake(): void {
    const now = this.#options.clock.now();
    while (this.#inFlight.size < MAX_IN_FLIGHT) {
      const first = this.#queue.peek();
      if (!first || first.at > now) break;
      this.#queue.take();
      this.#track(first);
    }
    if (now >= this.#loadAt) this.#load(now);
    this.#setTimer();
  }

  #track(retry: Retry): void {
    const handled = this.#dispatch(retry).finally(() => {
      this.#inFlight.delete(handled);
      this.#setTimer();
    });
    this.#inFlight.add(handled);
  }

  /** A retry that could not be dispatched is dispatched again a little later. */
  async #dispatch(retry: Retry): Promise<void> {
    const { commandHandler, dispatched, clock, log } = this.#options;
    const { taskId, runId } = retry;
    this.#planned.delete(runId);
    try {
      const previous = await dispatched(taskId, runId);
      if (!previous) return;
      const command = { type: "dispatchRetry", taskId, runId, previous, now: clock.now() } as const;
      await commandHandler.handle(command);
    } catch (error) {
      const fields = { taskId, runId, reason: errorMessage(error) };
      log.warn(fields, "the next attempt of a run could not be dispatched; trying again");
      if (this.#isStopped) return;
      retry.at = clock.now() + AGAIN_MS;
      this.#enqueue(retry);
    }
  }

  #load(now: number): void {
    const { tasks, log, lookAheadMs } = this.#options;
    this.#loadAt = now + lookAheadMs / 2;
    const until = now + lookAheadMs;
    this.#loadedUntil = until;
    this.#loading ??= tasks
      .retriesUntil(until, PAGE_SIZE)
      .then((found) => {
        if (this.#isStopped) return;
        for (const { taskId, openRuns } of found) for (const run of openRuns) this.#plan(taskId, run);
        if (found.length === PAGE_SIZE) this.#loadAt = now + AGAIN_MS;
      })
      .catch((error: unknown) => {
        this.#loadAt = now + AGAIN_MS;
        log.warn({ reason: errorMessage(error) }, "the next retries cannot be loaded; trying again");
      })
      .finally(() => {
        this.#loading = undefined;
        this.#setTimer();
      });
  }
}

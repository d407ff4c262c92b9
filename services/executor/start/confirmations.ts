import { performance } from "node:perf_hooks";
import { CONFIRM_MAX_RUNS, type RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import { startRate } from "./start-rate.ts";

/** Runs that may not start until the scheduler has confirmed them. */
export interface Confirmations<R extends HeapEntry> {
  /** Adds a run that is ready to start. It is confirmed shortly before a slot is free for it, the earliest run first. */
  add(run: R): void;
  /** Adds a run that may have ended already. It is confirmed at once, even if no slot is free. */
  addNow(run: R): void;
  /** Removes a run; returns false if it does not wait here. */
  drop(run: R): boolean;
  /** Removes and returns all runs. */
  dropAll(): readonly R[];
  /** A run was started, confirmed or not. */
  started(): void;
  /** Requests the confirmations that are needed by now; to be called when a slot has become free. */
  pump(): void;
  close(): void;
}

export type KnownVerdict = Exclude<RunVerdict, "unknown">;

export interface ConfirmationsDeps<R> {
  readonly logger: Log;
  /** Returns the verdicts in the order of the runs. If it rejects, the runs are requested again. */
  request(runs: readonly R[]): Promise<readonly RunVerdict[]>;
  /** Called once for each run with a verdict that was not dropped meanwhile; `requestedAt` as `performance.now()`. */
  onVerdict(run: R, verdict: KnownVerdict, requestedAt: number): void;
  /** Returns the number of free slots. */
  free(): number;
  /** Returns the number of due and confirmed runs that wait for a slot. */
  ready(): number;
}

const BACKOFF_MS = [200, 500, 1000, 2000];
const WARN_EVERY = 10;
const GROWTH_MAX = 4;
/** Wait before a run without a verdict is requested again: another executor may still run it. */
const UNDECIDED_MS = 500;

/** There is one request at a time; after a failed one there is a pause. */
type Phase = "idle" | "scheduled" | "requesting" | "backing_off" | "closed";

/**
 * Requests confirmations for many runs at once: as many as free slots can take, and as many as were started recently, so
 * that the next runs are confirmed while others run. A backlog of thousands costs a few calls a second, and a verdict is
 * rarely too old when its run can start. The slower the scheduler, the larger the batches.
 */
export function confirmations<R extends HeapEntry>(deps: ConfirmationsDeps<R>): Confirmations<R> {
  return new BatchedConfirmations(deps);
}

class BatchedConfirmations<R extends HeapEntry> implements Confirmations<R> {
  readonly #deps: ConfirmationsDeps<R>;
  readonly #urgent = new Set<R>();
  readonly #late = new MinHeap<R>();
  /** Runs in the current request that were not dropped meanwhile. */
  #requested = new Set<R>();
  /** Runs without a verdict, which are requested again after a while. */
  readonly #undecided = new Set<R>();
  readonly #rate = startRate();
  /** Batches grow while slots are free and no run is ready, because confirmations then limit the throughput. */
  #growth = 1;
  #phase: Phase = "idle";
  #failures = 0;
  #backoffTimer: NodeJS.Timeout | undefined;
  #undecidedTimer: NodeJS.Timeout | undefined;

  constructor(deps: ConfirmationsDeps<R>) {
    this.#deps = deps;
  }

  add(run: R): void {
    this.#late.add(run);
    this.pump();
  }

  addNow(run: R): void {
    this.#urgent.add(run);
    this.pump();
  }

  drop(run: R): boolean {
    return (
      this.#late.remove(run) ||
      this.#urgent.delete(run) ||
      this.#requested.delete(run) ||
      this.#undecided.delete(run)
    );
  }

  dropAll(): readonly R[] {
    const all = [...this.#requested, ...this.#urgent, ...this.#undecided];
    for (let run = this.#late.take(); run; run = this.#late.take()) all.push(run);
    this.#requested.clear();
    this.#urgent.clear();
    this.#undecided.clear();
    return all;
  }

  started(): void {
    this.#rate.add(performance.now());
  }

  pump(): void {
    if (this.#phase !== "idle" || this.#urgent.size + this.#late.size === 0) return;
    this.#phase = "scheduled";
    // After the caller has added all its runs, so that one call confirms them.
    queueMicrotask(() => this.#requestBatch());
  }

  close(): void {
    this.#phase = "closed";
    clearTimeout(this.#backoffTimer);
    clearTimeout(this.#undecidedTimer);
  }

  #requestBatch(): void {
    if (this.#phase !== "scheduled") return;
    const batch = this.#takeBatch();
    this.#phase = batch.length > 0 ? "requesting" : "idle";
    if (batch.length > 0) void this.#request(batch);
  }

  #takeBatch(): R[] {
    const batch = [...this.#urgent].slice(0, CONFIRM_MAX_RUNS);
    const wanted = this.#deps.free() + this.#growth * this.#rate.lately(performance.now());
    const missing = wanted - this.#deps.ready();
    // No call for a few runs while many are confirmed.
    if (batch.length === 0 && missing < wanted / 2) return batch;
    for (let left = missing; left > 0 && batch.length < CONFIRM_MAX_RUNS; left--) {
      const run = this.#late.take();
      if (!run) break;
      batch.push(run);
    }
    return batch;
  }

  async #request(batch: readonly R[]): Promise<void> {
    const urgent = new Set(batch.filter((run) => this.#urgent.delete(run)));
    this.#requested = new Set(batch);
    try {
      const requestedAt = performance.now();
      const verdicts = await this.#deps.request(batch);
      this.#adaptBatchSize(performance.now() - requestedAt);
      this.#decide(batch, verdicts, requestedAt);
      this.#enter("idle");
    } catch (error) {
      for (const run of this.#requested) {
        if (urgent.has(run)) this.#urgent.add(run);
        else this.#late.add(run);
      }
      this.#backOff(error);
    }
    this.#requested.clear();
    this.pump();
  }

  #adaptBatchSize(tookMs: number): void {
    this.#failures = 0;
    this.#rate.confirmedIn(tookMs);
    const isStarved = this.#deps.free() > 0 && this.#deps.ready() === 0;
    this.#growth = isStarved ? Math.min(GROWTH_MAX, this.#growth * 2) : Math.max(1, this.#growth / 2);
  }

  #decide(batch: readonly R[], verdicts: readonly RunVerdict[], requestedAt: number): void {
    for (const [index, run] of batch.entries()) {
      if (!this.#requested.delete(run)) continue;
      const verdict = verdicts[index] as RunVerdict;
      if (verdict === "unknown") this.#requestLater(run);
      else this.#deps.onVerdict(run, verdict, requestedAt);
    }
  }

  /** Other runs are confirmed meanwhile. */
  #requestLater(run: R): void {
    this.#undecided.add(run);
    if (this.#phase === "closed") return;
    this.#undecidedTimer ??= setTimeout(() => {
      this.#undecidedTimer = undefined;
      for (const each of this.#undecided) this.#urgent.add(each);
      this.#undecided.clear();
      this.pump();
    }, UNDECIDED_MS);
  }

  #backOff(error: unknown): void {
    if (this.#phase === "closed") return;
    if (this.#failures % WARN_EVERY === 0) {
      const fields = { runs: this.#late.size + this.#urgent.size, reason: errorMessage(error) };
      this.#deps.logger.warn(fields, "runs wait to be confirmed");
    }
    const backoffMs = BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length - 1)];
    this.#failures += 1;
    this.#enter("backing_off");
    this.#backoffTimer = setTimeout(() => {
      this.#enter("idle");
      this.pump();
    }, backoffMs);
  }

  /** Once closed, the phase does not change. */
  #enter(phase: Phase): void {
    if (this.#phase !== "closed") this.#phase = phase;
  }
}

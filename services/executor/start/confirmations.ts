import { performance } from "node:perf_hooks";
import { CONFIRM_MAX_RUNS, type RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import { startRate } from "./start-rate.ts";

/** Runs that may not start until the scheduler has confirmed them. */
export interface Confirmations<R extends HeapEntry> {
  /** Takes a run that is ready to start. It is asked about shortly before a slot is free for it, the earliest first. */
  add(run: R): void;
  /** Takes a run that may have ended already. It is asked about at once, whether or not a slot is free. */
  addNow(run: R): void;
  /** False where the run does not wait here. */
  drop(run: R): boolean;
  /** Everything that waits, which then waits no longer. */
  dropAll(): readonly R[];
  /** A run was started, confirmed or not. */
  started(): void;
  /** Asks for what is wanted by now; to be called when a slot has become free. */
  pump(): void;
  close(): void;
}

export type KnownVerdict = Exclude<RunVerdict, "unknown">;

export interface ConfirmationsDeps<R> {
  readonly logger: Log;
  /** Verdicts in the order of the runs. May reject: then it is asked again. */
  ask(runs: readonly R[]): Promise<readonly RunVerdict[]>;
  /** Called once for each run that has a verdict and was not dropped meanwhile; `askedAt` as `performance.now()`. */
  onVerdict(run: R, verdict: KnownVerdict, askedAt: number): void;
  /** Slots that are free now. */
  free(): number;
  /** Due and confirmed runs that wait for a slot. */
  ready(): number;
}

const BACKOFF_MS = [200, 500, 1000, 2000];
const WARN_EVERY = 10;
const GROWTH_MAX = 4;
/** Another executor may take long; its end frees the run here. */
const UNDECIDED_MS = 500;

/**
 * One question at a time, for many runs: those that free slots can take, and as many as were started lately, so that
 * the next ones are confirmed while others run. A backlog of thousands then costs a few calls a second, and a verdict
 * is seldom too old when its run's turn comes. The slower the scheduler, the larger the batches.
 */
export function confirmations<R extends HeapEntry>(deps: ConfirmationsDeps<R>): Confirmations<R> {
  const { logger, ask, onVerdict } = deps;
  const urgent = new Set<R>();
  const late = new MinHeap<R>();
  const rate = startRate();
  /** Batches grow while slots are free and wait for an answer: confirmations then limit the throughput. */
  let growth = 1;
  /** What is being asked about and was not dropped meanwhile. */
  let asked = new Set<R>();
  /** Runs on which there was no verdict; they are asked about again in a while. */
  const undecided = new Set<R>();
  let undecidedTimer: NodeJS.Timeout | undefined;
  let isAsking = false;
  let isPumpDue = false;
  let failures = 0;
  let pause: NodeJS.Timeout | undefined;
  let isClosed = false;

  const take = (): R[] => {
    const batch = [...urgent].slice(0, CONFIRM_MAX_RUNS);
    const wanted = deps.free() + growth * rate.lately(performance.now());
    const missing = wanted - deps.ready();
    // No call for a few where many are confirmed already.
    if (batch.length === 0 && missing < wanted / 2) return batch;
    for (let left = missing; left > 0 && batch.length < CONFIRM_MAX_RUNS; left--) {
      const run = late.take();
      if (!run) break;
      batch.push(run);
    }
    return batch;
  };

  const question = async (batch: readonly R[]): Promise<void> => {
    const wasUrgent = new Set(batch.filter((run) => urgent.delete(run)));
    asked = new Set(batch);
    isAsking = true;
    try {
      const askedAt = performance.now();
      const verdicts = await ask(batch);
      failures = 0;
      rate.confirmedIn(performance.now() - askedAt);
      const isStarved = deps.free() > 0 && deps.ready() === 0;
      growth = isStarved ? Math.min(GROWTH_MAX, growth * 2) : Math.max(1, growth / 2);
      for (const [index, run] of batch.entries()) {
        if (!asked.delete(run)) continue;
        const verdict = verdicts[index] as RunVerdict;
        if (verdict === "unknown") askAgain(run);
        else onVerdict(run, verdict, askedAt);
      }
    } catch (error) {
      for (const run of asked) {
        if (wasUrgent.has(run)) urgent.add(run);
        else late.add(run);
      }
      retryLater(error);
    }
    asked.clear();
    isAsking = false;
    pump();
  };

  /** All others go on meanwhile. */
  const askAgain = (run: R): void => {
    undecided.add(run);
    if (isClosed) return;
    undecidedTimer ??= setTimeout(() => {
      undecidedTimer = undefined;
      for (const each of undecided) urgent.add(each);
      undecided.clear();
      pump();
    }, UNDECIDED_MS);
  };

  const retryLater = (error: unknown): void => {
    if (isClosed) return;
    if (failures % WARN_EVERY === 0)
      logger.warn(
        { runs: late.size + urgent.size, reason: errorMessage(error) },
        "runs wait to be confirmed",
      );
    const waitMs = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
    failures += 1;
    pause = setTimeout(() => {
      pause = undefined;
      pump();
    }, waitMs);
  };

  const pump = (): void => {
    if (isPumpDue || isAsking || pause || isClosed || urgent.size + late.size === 0) return;
    isPumpDue = true;
    // When the caller has added all that it has: one call for them.
    queueMicrotask(() => {
      isPumpDue = false;
      const batch = isAsking || isClosed ? [] : take();
      if (batch.length > 0) void question(batch);
    });
  };

  return {
    add(run) {
      late.add(run);
      pump();
    },
    addNow(run) {
      urgent.add(run);
      pump();
    },
    drop: (run) => late.remove(run) || urgent.delete(run) || asked.delete(run) || undecided.delete(run),
    dropAll() {
      const all = [...asked, ...urgent, ...undecided];
      for (let run = late.take(); run; run = late.take()) all.push(run);
      asked.clear();
      urgent.clear();
      undecided.clear();
      return all;
    },
    started: () => rate.add(performance.now()),
    pump,
    close() {
      isClosed = true;
      clearTimeout(pause);
      clearTimeout(undecidedTimer);
    },
  };
}

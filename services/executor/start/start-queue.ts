import type { Clock } from "../../../shared/clock.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import type { Log } from "../../../shared/log.ts";
import type { RunToConfirm } from "./confirm-runs.ts";
import { confirmations, type KnownVerdict } from "./confirmations.ts";
import { type GatedRun, startGate } from "./start-gate.ts";
import { waitingRuns } from "./waiting-runs.ts";

/** Runs that have not started: they wait for their planned time, for a slot and, if necessary, for a confirmation. */
export interface StartQueue<R extends QueuedRun> {
  add(run: R): void;
  /** See `StartGate.reserve`. */
  reserve(run: R): boolean;
  /** Removes a run; returns false if it does not wait here. */
  drop(run: R): boolean;
  /** Removes and returns all runs. */
  dropAll(): readonly R[];
  /** A started run no longer needs its slot. */
  release(): void;
  close(): void;
}

export interface QueuedRun extends GatedRun {
  /** Due and confirmed: it waits for a slot only. */
  isReady: boolean;
}

export interface StartQueueDeps<R extends QueuedRun> {
  readonly clock: Clock;
  readonly logger: Log;
  /** Runs that may be started and not released. */
  readonly slots: number;
  /** Asks the scheduler whether runs may still start; returns the verdicts in the order of the runs. */
  confirm(runs: readonly RunToConfirm[]): Promise<readonly RunVerdict[]>;
  /** Must not throw. */
  start(run: R, now: number): void;
  /** The run must not start. */
  rejected(run: R, verdict: Exclude<KnownVerdict, "wanted">): void;
}

export function startQueue<R extends QueuedRun>(deps: StartQueueDeps<R>): StartQueue<R> {
  const { clock, logger, slots, start, rejected } = deps;
  const gate = startGate(clock, logger);
  let ready = 0;

  const setReady = (run: R, isReady: boolean): void => {
    if (run.isReady === isReady) return;
    run.isReady = isReady;
    ready += isReady ? 1 : -1;
  };
  const waiting = waitingRuns<R>({
    clock,
    slots,
    mayStart(run, now) {
      setReady(run, false);
      if (gate.isOpen(run, now)) return true;
      pending.add(run);
      return false;
    },
    start(run, now) {
      pending.started();
      start(run, now);
    },
  });
  const pending = confirmations<R>({
    logger,
    free: waiting.free,
    ready: () => ready,
    request: (runs) => deps.confirm(runs.map(toConfirm)),
    onVerdict(run, verdict, requestedAt) {
      if (verdict !== "wanted") return rejected(run, verdict);
      gate.confirm(run, requestedAt);
      setReady(run, run.at <= clock.now());
      waiting.add(run);
    },
  });
  const toConfirm = (run: R): RunToConfirm => {
    const { taskId, runId, attempt, retry } = run.due.data;
    return { taskId, runId, mayHaveEnded: gate.mayHaveEnded(run), ...(retry && { attempt }) };
  };

  return {
    add(run) {
      if (gate.mayHaveEnded(run)) pending.addNow(run);
      else waiting.add(run);
    },
    reserve: gate.reserve,
    drop(run) {
      setReady(run, false);
      return waiting.drop(run) || pending.drop(run);
    },
    dropAll: () => [...waiting.dropAll(), ...pending.dropAll()],
    release() {
      waiting.release();
      pending.pump();
    },
    close() {
      waiting.close();
      pending.close();
      gate.close();
    },
  };
}

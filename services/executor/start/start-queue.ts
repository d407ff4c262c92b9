import type { Clock } from "../../../shared/clock.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import type { Log } from "../../../shared/log.ts";
import type { RunQuestion } from "./confirm-runs.ts";
import { confirmations, type KnownVerdict } from "./confirmations.ts";
import { heldRuns } from "./held-runs.ts";
import { type GatedRun, startGate } from "./start-gate.ts";

/** Runs that were not started: they wait for their planned time, a slot, and the scheduler's word where it is needed. */
export interface StartQueue<R extends QueuedRun> {
  add(run: R): void;
  /** Takes a run back; false where it does not wait here (any more). */
  drop(run: R): boolean;
  /** Takes everything back. */
  dropAll(): readonly R[];
  /** A run that was started has left its slot. */
  release(): void;
  close(): void;
}

export interface QueuedRun extends GatedRun {
  /** Due and confirmed: it waits for a slot alone. */
  isReady: boolean;
}

export interface StartQueueDeps<R extends QueuedRun> {
  readonly clock: Clock;
  readonly logger: Log;
  /** Runs that may be started and not released. */
  readonly slots: number;
  /** Asks the scheduler whether runs may still start; verdicts in the order asked. */
  confirm(runs: readonly RunQuestion[]): Promise<readonly RunVerdict[]>;
  /** Must not throw. */
  start(run: R, now: number): void;
  /** The run may not start at all. */
  refused(run: R, verdict: Exclude<KnownVerdict, "wanted">): void;
}

export function startQueue<R extends QueuedRun>(deps: StartQueueDeps<R>): StartQueue<R> {
  const { clock, logger, slots, start, refused } = deps;
  const gate = startGate(clock, logger);
  let ready = 0;

  const setReady = (run: R, isReady: boolean): void => {
    if (run.isReady === isReady) return;
    run.isReady = isReady;
    ready += isReady ? 1 : -1;
  };
  const held = heldRuns<R>({
    clock,
    places: slots,
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
    free: held.free,
    ready: () => ready,
    ask: (runs) => deps.confirm(runs.map(questionOn)),
    onVerdict(run, verdict, askedAt) {
      if (verdict !== "wanted") return refused(run, verdict);
      gate.confirm(run, askedAt);
      setReady(run, run.at <= clock.now());
      held.hold(run);
    },
  });
  const questionOn = (run: R): RunQuestion => {
    const { taskId, runId } = run.due.data;
    return { taskId, runId, mayHaveEnded: gate.mayHaveEnded(run) };
  };

  return {
    add(run) {
      if (gate.mayHaveEnded(run)) pending.addNow(run);
      else held.hold(run);
    },
    drop(run) {
      setReady(run, false);
      return held.drop(run) || pending.drop(run);
    },
    dropAll: () => [...held.dropAll(), ...pending.dropAll()],
    release() {
      held.release();
      pending.pump();
    },
    close() {
      held.close();
      pending.close();
      gate.close();
    },
  };
}

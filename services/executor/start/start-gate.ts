import { performance } from "node:perf_hooks";
import type { Delivery } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { LATE_START_MS, VERDICT_VALID_MS } from "../../../shared/contracts/start-rules.ts";
import type { Log } from "../../../shared/log.ts";
import type { HeapEntry } from "../../../shared/min-heap.ts";
import { gapWatch } from "./gap-watch.ts";

/** The properties of a run that the gate uses. */
export interface GatedRun extends HeapEntry {
  readonly due: DomainEnvelope<"task.due">;
  readonly delivery: Delivery;
  /** It may have been delivered before, and so may have been executed. */
  readonly isRepeated: boolean;
  /** When the scheduler last confirmed it, as `performance.now()`; minus infinity until then. */
  confirmedAt: number;
  /** When this executor last left the run to any other one that asks for it, as `performance.now()`. */
  yieldedAt: number;
}

/** Decides which runs may start at once and which the scheduler must confirm first. */
export interface StartGate {
  /** True if the run may start now without a confirmation. */
  isOpen(run: GatedRun, now: number): boolean;
  /**
   * True if another executor may have executed the run. It must be confirmed whenever it starts, so it can be confirmed
   * immediately.
   */
  mayHaveEnded(run: GatedRun): boolean;
  /**
   * True if the run will start here without a question about other executors, so none of them may start it. If false, the
   * run may be given to another one from now on, and a confirmation that is on its way here does not count.
   */
  reserve(run: GatedRun): boolean;
  /**
   * Records a confirmation, unless this process was suspended, another executor may have received the run, or the run was
   * not reserved since the confirmation was requested.
   */
  confirm(run: GatedRun, requestedAt: number): void;
  close(): void;
}

export function startGate(clock: Clock, log: Pick<Log, "warn">): StartGate {
  const gap = gapWatch({ clock, log });
  const createdAt = gap.endedAt;
  const isUnconfirmed = ({ confirmedAt }: GatedRun): boolean => confirmedAt === Number.NEGATIVE_INFINITY;
  const mayHaveEnded: StartGate["mayHaveEnded"] = (run) =>
    run.confirmedAt < run.delivery.lapsedAt ||
    (isUnconfirmed(run) && (run.isRepeated || run.due.time < createdAt));
  /** Dispatched before this process was last suspended, and not confirmed since. */
  const isOld = ({ due, confirmedAt }: GatedRun): boolean =>
    due.time < gap.endedAt && confirmedAt < gap.endedAtMono;
  /** At its dispatch the run was wanted, so a recent dispatch is as good as a confirmation. */
  const isLate = ({ at, due }: GatedRun, now: number): boolean =>
    now - at > LATE_START_MS && now - Date.parse(due.time) > LATE_START_MS;

  return {
    mayHaveEnded,
    isOpen(run, now) {
      gap.check();
      if (mayHaveEnded(run) || isOld(run)) return false;
      return !isLate(run, now) || performance.now() - run.confirmedAt <= VERDICT_VALID_MS;
    },
    reserve(run) {
      if (!mayHaveEnded(run)) return true;
      run.yieldedAt = performance.now();
      return false;
    },
    confirm(run, requestedAt) {
      gap.check();
      if (requestedAt > Math.max(gap.endedAtMono, run.delivery.lapsedAt, run.yieldedAt))
        run.confirmedAt = performance.now();
    },
    close: () => gap.close(),
  };
}

import { performance } from "node:perf_hooks";
import type { Delivery } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { LATE_START_MS, VERDICT_VALID_MS } from "../../../shared/contracts/start-rules.ts";
import type { Log } from "../../../shared/log.ts";
import type { HeapEntry } from "../../../shared/min-heap.ts";
import { gapWatch } from "./gap-watch.ts";

/** What the gate looks at. */
export interface GatedRun extends HeapEntry {
  readonly due: DomainEnvelope<"task.due">;
  readonly delivery: Delivery;
  /** It was delivered or sent before, so that it may have been executed. */
  readonly isRepeated: boolean;
  /** When the scheduler last confirmed it, as `performance.now()`; before that, minus infinity. */
  confirmedAt: number;
}

/** Decides which runs may start as they are and which have to be confirmed by the scheduler first. */
export interface StartGate {
  /** True where the run may start now without a (further) confirmation. */
  isOpen(run: GatedRun, now: number): boolean;
  /**
   * True where somebody else may have executed the run by now. It has to be confirmed whenever it starts, so that there
   * is no reason to wait.
   */
  mayHaveEnded(run: GatedRun): boolean;
  /**
   * Takes note of a confirmation, unless this process stood still or another executor may have received the run since it
   * was asked for.
   */
  confirm(run: GatedRun, askedAt: number): void;
  close(): void;
}

export function startGate(clock: Clock, log: Pick<Log, "warn">): StartGate {
  const gap = gapWatch({ clock, log });
  const bornAt = gap.endedAt;
  const isUnconfirmed = ({ confirmedAt }: GatedRun): boolean => confirmedAt === Number.NEGATIVE_INFINITY;
  const mayHaveEnded: StartGate["mayHaveEnded"] = (run) =>
    run.confirmedAt < run.delivery.lapsedAt ||
    (isUnconfirmed(run) && (run.isRepeated || run.due.time < bornAt));
  /** Dispatched before this process last stood still, and not confirmed since. */
  const isOld = ({ due, confirmedAt }: GatedRun): boolean =>
    due.time < gap.endedAt && confirmedAt < gap.endedAtMono;
  /** The dispatch itself says that the run was wanted then. */
  const isLate = ({ at, due }: GatedRun, now: number): boolean =>
    now - at > LATE_START_MS && now - Date.parse(due.time) > LATE_START_MS;

  return {
    mayHaveEnded,
    isOpen(run, now) {
      gap.look();
      if (mayHaveEnded(run) || isOld(run)) return false;
      return !isLate(run, now) || performance.now() - run.confirmedAt <= VERDICT_VALID_MS;
    },
    confirm(run, askedAt) {
      gap.look();
      if (askedAt > gap.endedAtMono && askedAt > run.delivery.lapsedAt) run.confirmedAt = performance.now();
    },
    close: () => gap.close(),
  };
}

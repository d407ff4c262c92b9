import { performance } from "node:perf_hooks";
import type { Delivery } from "../../shared/bus/bus.ts";
import type { Clock } from "../../shared/clock.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { LATE_START_MS, VERDICT_VALID_MS } from "../../shared/contracts/start-rules.ts";
import type { HeapEntry } from "../../shared/min-heap.ts";
import { gapWatch } from "./gap-watch.ts";

/** What the gate looks at. */
export interface GatedRun extends HeapEntry {
  readonly due: DomainEnvelope<"task.due">;
  readonly delivery: Delivery;
  /** It may have been executed, or its task may have been stopped, before it came here. */
  readonly isSuspect: boolean;
  /** When the scheduler last confirmed it, as `performance.now()`; before that, minus infinity. */
  confirmedAt: number;
}

/** Decides which runs may start as they are and which have to be confirmed by the scheduler first. */
export interface StartGate {
  /** True for a run that was dispatched before this process began, or before it last stood still. */
  isOld(due: DomainEnvelope<"task.due">): boolean;
  /** True where the run may start now without a (further) confirmation. */
  isOpen(run: GatedRun, now: number): boolean;
  /** True where somebody else may have executed the run by now. */
  mayHaveEnded(run: GatedRun): boolean;
  /** Takes note of a confirmation, unless this process stood still since it was asked for. */
  confirm(run: GatedRun, askedAt: number): void;
  close(): void;
}

export function startGate(clock: Clock, warn: (message: string) => void): StartGate {
  const gap = gapWatch({ clock, warn });
  const isOld: StartGate["isOld"] = ({ time }) => time < gap.endedAt;
  const mayHaveEnded: StartGate["mayHaveEnded"] = (run) =>
    run.confirmedAt < run.delivery.lapsedAt ||
    (run.isSuspect && run.confirmedAt === Number.NEGATIVE_INFINITY) ||
    (isOld(run.due) && run.confirmedAt < gap.endedAtMono);
  /** The dispatch itself says that the run was wanted then. */
  const isLate = ({ at, due }: GatedRun, now: number): boolean =>
    now - at > LATE_START_MS && now - Date.parse(due.time) > LATE_START_MS;

  return {
    isOld,
    mayHaveEnded,
    isOpen(run, now) {
      gap.look();
      if (mayHaveEnded(run)) return false;
      return !isLate(run, now) || performance.now() - run.confirmedAt <= VERDICT_VALID_MS;
    },
    confirm(run, askedAt) {
      gap.look();
      if (askedAt > gap.endedAtMono) run.confirmedAt = performance.now();
    },
    close: () => gap.close(),
  };
}

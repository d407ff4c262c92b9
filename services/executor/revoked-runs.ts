import type { Clock } from "../../shared/clock.ts";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { expiringMap } from "./expiring-map.ts";

type DueData = Pick<DomainEnvelope<"task.due">["data"], "taskId" | "runId" | "at">;

/** What was revoked here within the last minutes: runs by id, and whole tasks up to an instant. */
export interface RevokedRuns {
  /** Remembers a revocation; returns the test whether it covers a run. */
  add(revocation: ActionParams<"executor.revoke">): (run: DueData) => boolean;
  /** True for a run that was revoked by its id. */
  hasRun(runId: string): boolean;
  /** True where its task was stopped after the run was dispatched. */
  covers(run: DueData): boolean;
}

/** A revocation outlives by far what the bus may still hold of a dispatch 1.5 s ahead. */
const KEPT = { keepMs: 300_000, limit: 100_000 };

export function revokedRuns(clock: Clock): RevokedRuns {
  const runs = expiringMap<true>(clock, KEPT);
  const tasks = expiringMap<string>(clock, KEPT);
  const isBefore = ({ at }: DueData, before: string | undefined) => before !== undefined && at <= before;
  return {
    add({ taskId, runIds = [], before }) {
      for (const id of runIds) runs.set(id, true);
      const latest = tasks.get(taskId);
      if (before !== undefined) tasks.set(taskId, latest === undefined || latest < before ? before : latest);
      const named = new Set(runIds);
      return (run) => named.has(run.runId) || (run.taskId === taskId && isBefore(run, before));
    },
    hasRun: (runId) => runs.get(runId) === true,
    covers: (run) => isBefore(run, tasks.get(run.taskId)),
  };
}

import type { Clock } from "../../../shared/clock.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { RecordStore } from "../record/mongo-records.ts";
import type { DeclareLost } from "./declare-lost.ts";

export interface ReaperOptions {
  readonly records: Pick<RecordStore, "overdue">;
  readonly declareLost: DeclareLost;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
}

/** Declares runs lost that no executor can be working on any more, so that every run ends with an outcome. */
export type Reaper = PeriodicJob;

const PAGE = 500;

export function createReaper({ records, declareLost, clock, log, everyMs }: ReaperOptions): Reaper {
  async function reap(stopping: AbortSignal): Promise<void> {
    for (const overdue of await records.overdue(clock.now(), PAGE)) {
      if (stopping.aborted) return;
      await declareLost(overdue, `no sign of life since ${overdue.state.updatedAt}`);
    }
  }

  return createPeriodicJob({ everyMs, work: reap, log, failure: "lost runs cannot be looked for" });
}

import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import type { RecordStore } from "../record/mongo-records.ts";
import type { SourceEvent, SourceEvents } from "../record/mongo-source-events.ts";
import { numberOfLatest } from "../record/record.ts";
import type { Recorder } from "../record/recorder.ts";
import type { DeclareLost } from "./declare-lost.ts";
import type { RunLocations } from "./run-locations.ts";

export interface LostRunsDeps {
  readonly sources: Pick<SourceEvents, "read" | "ofRuns">;
  readonly records: Pick<RecordStore, "recorded" | "open">;
  readonly recorder: Pick<Recorder, "record">;
  readonly locations: RunLocations;
  readonly declareLost: DeclareLost;
}

const isOf =
  (runId: string) =>
  ({ recordId }: SourceEvent): boolean =>
    recordId === runId;

/** Finds runs that are at no location. Errors are retryable; what was done before an error stays done. */
export interface LostRuns {
  /**
   * Records those of these runs and skips (1,000 at most) that are not recorded, and ends as `lost` the runs that no
   * process will start or end any more. Returns the locations of the runs that were open.
   */
  reconcile(sources: readonly SourceEvent[]): Promise<ReadonlyMap<string, RunPlace>>;
  /** Does so for runs of tasks (1,000 at most), and returns their locations in the order of the runs. */
  locate(runs: ActionParams<"records.locate">["runs"]): Promise<readonly RunPlace[]>;
}

/** Stored in the event and shown to users: its wording stays. */
const REASON =
  "the bus no longer has its order and no executor holds it: the bus lost it, or the database was restored from a copy; the handler may have been executed";

export function lostRuns(deps: LostRunsDeps): LostRuns {
  const { sources: store, records, recorder, locations, declareLost } = deps;

  async function recordMissing(sources: readonly SourceEvent[]): Promise<void> {
    const recorded = await records.recorded(sources.map(({ recordId }) => recordId));
    const missing = sources.filter(({ recordId }) => !recorded.has(recordId));
    if (missing.length === 0) return;
    await recorder.record(await store.read(missing.map(({ id }) => id)), { isRedelivered: true });
  }

  async function reconcile(sources: readonly SourceEvent[]): Promise<ReadonlyMap<string, RunPlace>> {
    await recordMissing(sources);
    // Read before the run is looked for: an event recorded meanwhile keeps it from being declared lost.
    const open = await records.open(sources.map(({ recordId }) => recordId));
    const runs = sources.filter(({ recordId }) => open.has(recordId));
    if (runs.length === 0) return new Map();
    const found = new Map<string, RunPlace>(await locations.locate(runs));
    for (const [runId, seen] of open) {
      if (found.has(runId)) continue;
      const dispatched = Math.max(...runs.filter(isOf(runId)).map(({ attempt }) => attempt));
      // The scheduler has it: no later attempt was dispatched than the one that failed.
      if (seen.state.status === "retrying" && numberOfLatest(seen.state.attempts) >= dispatched) {
        found.set(runId, "retry");
        continue;
      }
      await declareLost(seen, REASON);
      found.set(runId, "lost");
    }
    return found;
  }

  return {
    reconcile,

    async locate(runs) {
      // Most of them only take long; a run that is in flight needs no search.
      const inFlight = await locations.inFlight(runs.map(({ runId }) => runId));
      const found = await reconcile(await store.ofRuns(runs.filter(({ runId }) => !inFlight.has(runId))));
      return runs.map(({ runId }) => (inFlight.has(runId) ? "executor" : (found.get(runId) ?? "ended")));
    },
  };
}

import type { Clock } from "../../../shared/clock.ts";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { RecordStore } from "../record/mongo-records.ts";
import type { SourceEvents } from "../record/mongo-source-events.ts";

export interface EndedRunsDeps {
  readonly records: Pick<RecordStore, "outcomes">;
  readonly sources: Pick<SourceEvents, "ofRuns">;
  readonly clock: Clock;
}

/**
 * Returns the ids of those runs that have a recorded outcome, or had one before they were purged, and those that wait for
 * their next attempt.
 *
 * @throws `STORE_UNAVAILABLE`
 */
export type EndedRuns = (
  runs: ActionParams<"records.ended">["runs"],
) => Promise<ActionResult<"records.ended">>;

/** No run that was planned within this time is purged: retention keeps runs for two minutes at least. */
const KEPT_MS = 60_000;

/**
 * A record and its `task.due` are purged in one transaction: a run with `task.due` and no record waits to be
 * recorded.
 */
export function endedRuns({ records, sources, clock }: EndedRunsDeps): EndedRuns {
  return async (runs) => {
    const { ended, retrying, missing } = await records.outcomes(runs.map(({ runId }) => runId));
    const before = clock.now() - KEPT_MS;
    const doubtful = runs.filter(
      ({ runId, plannedAt }) => missing.has(runId) && Date.parse(plannedAt) < before,
    );
    const waiting = new Set((await sources.ofRuns(doubtful)).map(({ recordId }) => recordId));
    const purged = new Set(doubtful.flatMap(({ runId }) => (waiting.has(runId) ? [] : [runId])));
    return {
      ended: runs.flatMap(({ runId }) => (ended.has(runId) || purged.has(runId) ? [runId] : [])),
      ...(retrying.length > 0 && { retrying }),
    };
  };
}

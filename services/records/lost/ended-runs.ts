import type { Clock } from "../../../shared/clock.ts";
import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { OrderStore } from "../record/mongo-orders.ts";
import type { RecordStore } from "../record/mongo-records.ts";

export interface EndedRunsDeps {
  readonly records: Pick<RecordStore, "outcomes">;
  readonly orders: Pick<OrderStore, "ofRuns">;
  readonly clock: Clock;
}

/** Ids of those runs that have an outcome on record, or had one before they were forgotten. Error: `STORE_UNAVAILABLE`. */
export type EndedRuns = (runs: ActionParams<"records.ended">["runs"]) => Promise<readonly string[]>;

/** Nothing that was planned within it is forgotten: retention keeps runs for two minutes at least. */
const KEPT_MS = 60_000;

/** A record and its order are forgotten in one transaction: a run with an order and no record waits to be recorded. */
export function endedRuns({ records, orders, clock }: EndedRunsDeps): EndedRuns {
  return async (runs) => {
    const { ended, missing } = await records.outcomes(runs.map(({ runId }) => runId));
    const before = clock.now() - KEPT_MS;
    const doubtful = runs.filter(
      ({ runId, plannedAt }) => missing.has(runId) && Date.parse(plannedAt) < before,
    );
    const waiting = new Set((await orders.ofRuns(doubtful)).map(({ recordId }) => recordId));
    const forgotten = new Set(doubtful.flatMap(({ runId }) => (waiting.has(runId) ? [] : [runId])));
    return runs.flatMap(({ runId }) => (ended.has(runId) || forgotten.has(runId) ? [runId] : []));
  };
}

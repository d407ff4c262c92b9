import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import type { Order, OrderStore } from "../record/mongo-orders.ts";
import type { RecordStore } from "../record/mongo-records.ts";
import type { Recorder } from "../record/recorder.ts";
import type { DeclareLost } from "./declare-lost.ts";
import type { RunWhereabouts } from "./run-whereabouts.ts";

export interface LostRunsDeps {
  readonly orders: Pick<OrderStore, "read" | "ofRuns">;
  readonly records: Pick<RecordStore, "recorded" | "open">;
  readonly recorder: Pick<Recorder, "record">;
  readonly whereabouts: RunWhereabouts;
  readonly declareLost: DeclareLost;
}

/** Finds runs that are nowhere. Errors are retryable; what was settled before one stays so. */
export interface LostRuns {
  /**
   * Records those of these orders (1,000 at most) that are not on record, and ends as `lost` the runs that nobody is
   * going to start or to end any more. Answers the places of the runs that were open.
   */
  settle(orders: readonly Order[]): Promise<ReadonlyMap<string, RunPlace>>;
  /** The same for runs of tasks (1,000 at most), in their order. */
  locate(runs: ActionParams<"records.locate">["runs"]): Promise<readonly RunPlace[]>;
}

const REASON =
  "the bus no longer has its order and no executor holds it: the bus lost it, or the database was restored from a copy; the handler may have been executed";

export function lostRuns(deps: LostRunsDeps): LostRuns {
  const { orders: store, records, recorder, whereabouts, declareLost } = deps;

  async function recordMissing(orders: readonly Order[]): Promise<void> {
    const recorded = await records.recorded(orders.map(({ recordId }) => recordId));
    const missing = orders.filter(({ recordId }) => !recorded.has(recordId));
    if (missing.length === 0) return;
    await recorder.record(await store.read(missing.map(({ id }) => id)), { mayBeKnown: true });
  }

  async function settle(orders: readonly Order[]): Promise<ReadonlyMap<string, RunPlace>> {
    await recordMissing(orders);
    // Read before the run is looked for: whatever is recorded of it meanwhile keeps it from being declared lost.
    const open = await records.open(orders.map(({ recordId }) => recordId));
    const runs = orders.filter(({ recordId }) => open.has(recordId));
    if (runs.length === 0) return new Map();
    const places = new Map<string, RunPlace>(await whereabouts.locate(runs));
    for (const [runId, seen] of open) {
      if (places.has(runId)) continue;
      await declareLost(seen, REASON);
      places.set(runId, "lost");
    }
    return places;
  }

  return {
    settle,

    async locate(runs) {
      // Most are only long: they need not be looked for.
      const held = await whereabouts.held(runs.map(({ runId }) => runId));
      const places = await settle(await store.ofRuns(runs.filter(({ runId }) => !held.has(runId))));
      return runs.map(({ runId }) => (held.has(runId) ? "executor" : (places.get(runId) ?? "ended")));
    },
  };
}

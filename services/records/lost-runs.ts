import type { DeclareLost } from "./declare-lost.ts";
import type { Order, OrderStore } from "./mongo-orders.ts";
import type { RecordStore } from "./mongo-records.ts";
import type { Recorder } from "./recorder.ts";
import type { RunWhereabouts } from "./run-whereabouts.ts";

export interface LostRunsDeps {
  readonly orders: Pick<OrderStore, "read">;
  readonly records: Pick<RecordStore, "recorded" | "open">;
  readonly recorder: Pick<Recorder, "record">;
  readonly whereabouts: RunWhereabouts;
  readonly declareLost: DeclareLost;
}

/**
 * Makes good what never arrived (1,000 orders at most): records those that are on record nowhere, and ends as `lost` the
 * runs that nobody is going to start or to end any more. Errors are retryable; what was settled before one stays so.
 */
export type SettleLost = (orders: readonly Order[]) => Promise<void>;

const REASON =
  "the bus no longer has its order and no executor holds it: the bus lost it, or the database was restored from a copy; the handler may have been executed";

export function settleLost(deps: LostRunsDeps): SettleLost {
  const { orders: store, records, recorder, whereabouts, declareLost } = deps;

  async function recordMissing(orders: readonly Order[]): Promise<void> {
    const recorded = await records.recorded(orders.map(({ recordId }) => recordId));
    const missing = orders.filter(({ recordId }) => !recorded.has(recordId));
    if (missing.length === 0) return;
    await recorder.record(await store.read(missing.map(({ id }) => id)), { mayBeKnown: true });
  }

  return async (orders) => {
    await recordMissing(orders);
    // Read before the run is looked for: whatever is recorded of it meanwhile keeps it from being declared lost.
    const open = await records.open(orders.map(({ recordId }) => recordId));
    const runs = orders.filter(({ recordId }) => open.has(recordId));
    if (runs.length === 0) return;
    for (const { recordId } of await whereabouts.nowhere(runs)) {
      const seen = open.get(recordId);
      if (seen) await declareLost(seen, REASON);
    }
  };
}

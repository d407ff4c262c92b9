import type { ServiceBroker } from "moleculer";
import { AppError } from "../../shared/errors.ts";
import type { WrittenEvent } from "../../shared/event-store/mongo-unsent-events.ts";
import { nodesOffering } from "../../shared/nodes-offering.ts";
import { call } from "../../shared/service.ts";

/** A run with the event that ordered it. */
export interface OrderedRun extends WrittenEvent {
  readonly recordId: string;
}

export interface RunWhereabouts {
  /**
   * Those of these runs (1,000 at most) that nobody is going to start or to end any more. Errors: retryable, when
   * somebody who may know better does not answer; then nothing is known.
   */
  nowhere<R extends OrderedRun>(runs: readonly R[]): Promise<readonly R[]>;
}

/** An executor may have some of the runs and does not say so. */
class WhereaboutsUnknown extends AppError {
  constructor(reason: string) {
    super(`It is not known whether runs are lost: ${reason}`, {
      type: "WHEREABOUTS_UNKNOWN",
      code: 503,
      retryable: true,
    });
  }
}

const ASK_TIMEOUT_MS = 2000;
const SETTLE_LIMIT_MS = 5000;

/**
 * Looks for runs in every place on their way, in the order in which they pass through: the outbox, the bus, an executor,
 * and as an outcome on the bus again. A run that moves on meanwhile is found in the next place.
 */
export function runWhereabouts(
  broker: ServiceBroker,
  unsentOf: (events: readonly WrittenEvent[]) => Promise<ReadonlySet<string>>,
): RunWhereabouts {
  /** An executor may hold a run whose order the bus has lost. */
  async function heldOf(runIds: readonly string[]): Promise<ReadonlySet<string>> {
    const answers = nodesOffering(broker, "executor").map(async ({ id: nodeID, available }) => {
      if (!available) throw new WhereaboutsUnknown(`executor ${nodeID} is out of reach`);
      return call(broker, "executor.holds", { runIds: [...runIds] }, { nodeID, timeout: ASK_TIMEOUT_MS });
    });
    return new Set((await Promise.all(answers)).flatMap(({ held }) => held));
  }

  return {
    async nowhere(runs) {
      const unsent = await unsentOf(runs);
      const sent = runs.filter(({ id }) => !unsent.has(id));
      if (sent.length === 0) return [];
      const ids = sent.map(({ id }) => id);
      const kept = await broker.bus.unsettled("executor", "task.due", ids);
      const gone = sent.filter(({ id }) => !kept.has(id));
      if (gone.length === 0) return [];
      const held = await heldOf(gone.map(({ recordId }) => recordId));
      const left = gone.filter(({ recordId }) => !held.has(recordId));
      if (left.length === 0) return [];
      if (await broker.bus.settled("records", "run.*", SETTLE_LIMIT_MS)) return left;
      throw new WhereaboutsUnknown("outcomes of runs wait to be recorded");
    },
  };
}

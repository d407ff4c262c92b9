import type { ServiceBroker } from "moleculer";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import { AppError } from "../../../shared/errors.ts";
import type { WrittenEvent } from "../../../shared/event-store/mongo-unsent-events.ts";
import { nodesOffering } from "../../../shared/nodes-offering.ts";
import { call } from "../../../shared/service.ts";

/** A run with the event that ordered it. */
export interface OrderedRun extends WrittenEvent {
  readonly recordId: string;
}

export interface RunWhereabouts {
  /**
   * The places of these runs (1,000 at most) by their record's id. One that has none is not going to be started or
   * ended by anybody. Errors: retryable, when somebody who may have a run does not answer.
   */
  locate(runs: readonly OrderedRun[]): Promise<ReadonlyMap<string, Place>>;
  /** Those of these runs (1,000 at most) that an executor within reach has in hand. Never rejects. */
  held(runIds: readonly string[]): Promise<ReadonlySet<string>>;
}

export type Place = Extract<RunPlace, "outbox" | "bus" | "executor">;

/** An executor may have some of the runs and does not say so. */
class WhereaboutsUnknown extends AppError {
  constructor(reason: string) {
    super(`It is not known whether runs are lost: ${reason}`, {
      type: "WHEREABOUTS_UNKNOWN",
    });
  }
}

const ASK_TIMEOUT_MS = 2000;
/** Within it a process that has just started gets to know the others, those included that were cut off for a moment. */
const ACQUAINTED_MS = 5000;
const SETTLE_LIMIT_MS = 5000;

/**
 * Looks for runs in every place on their way, in the order in which they pass through: the outbox, the bus, an executor,
 * and as an outcome on the bus again. A run that moves on meanwhile is found in the next place.
 */
export function runWhereabouts(
  broker: ServiceBroker,
  unsentOf: (events: readonly WrittenEvent[]) => Promise<ReadonlySet<string>>,
): RunWhereabouts {
  const startedAt = performance.now();

  /** An executor may hold a run whose order the bus has lost. */
  async function heldOf(runIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (broker.transit && performance.now() - startedAt < ACQUAINTED_MS)
      throw new WhereaboutsUnknown("the executors are not all known yet");
    return new Set((await Promise.all(askAll(runIds))).flat());
  }

  function askAll(runIds: readonly string[]): Promise<readonly string[]>[] {
    return nodesOffering(broker, "executor").map(async ({ id: nodeID, available }) => {
      if (!available) throw new WhereaboutsUnknown(`executor ${nodeID} is out of reach`);
      const limits = { nodeID, timeout: ASK_TIMEOUT_MS };
      return (await call(broker, "executor.inFlight", { runIds: [...runIds] }, limits)).held;
    });
  }

  return {
    async held(runIds) {
      const answers = await Promise.allSettled(askAll(runIds));
      return new Set(answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])));
    },

    async locate(runs) {
      const places = new Map<string, Place>();
      /** Notes the place of those that are there; the others are looked for in the next one. */
      const sift = (left: readonly OrderedRun[], place: Place, isThere: (run: OrderedRun) => boolean) => {
        for (const run of left) if (isThere(run)) places.set(run.recordId, place);
        return left.filter(({ recordId }) => !places.has(recordId));
      };

      const unsent = await unsentOf(runs);
      let left = sift(runs, "outbox", ({ id }) => unsent.has(id));
      if (left.length === 0) return places;
      const ids = left.map(({ id }) => id);
      const kept = await broker.bus.unhandled("executor", "task.due", ids);
      left = sift(left, "bus", ({ id }) => kept.has(id));
      if (left.length === 0) return places;
      const held = await heldOf(left.map(({ recordId }) => recordId));
      left = sift(left, "executor", ({ recordId }) => held.has(recordId));
      if (left.length > 0 && !(await broker.bus.hasCaughtUp("records", "run.*", SETTLE_LIMIT_MS)))
        throw new WhereaboutsUnknown("outcomes of runs wait to be recorded");
      return places;
    },
  };
}

import type { ServiceBroker } from "moleculer";
import type { RunPlace } from "../../../shared/contracts/records-actions.ts";
import { AppError } from "../../../shared/errors.ts";
import type { WrittenEvent } from "../../../shared/event-store/mongo-unsent-events.ts";
import { nodesOffering } from "../../../shared/nodes-offering.ts";
import { call } from "../../../shared/service.ts";
import type { SourceEvent } from "../record/mongo-source-events.ts";

/** A run by the event that dispatched it. */
export type DispatchedRun = Pick<SourceEvent, "id" | "writer" | "recordId">;

export type RunLocation = Extract<RunPlace, "outbox" | "bus" | "executor">;

export interface RunLocations {
  /**
   * The locations of these runs (1,000 at most) by record id. A run without a location will not be started or ended by
   * any process.
   *
   * @throws retryable errors if a process that may have a run does not respond
   */
  locate(runs: readonly DispatchedRun[]): Promise<ReadonlyMap<string, RunLocation>>;
  /** Those of these runs (1,000 at most) that are in flight at a reachable executor. Never rejects. */
  inFlight(runIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** An executor that may have some of the runs does not respond. */
class LocationUnknown extends AppError {
  constructor(reason: string) {
    super(`It is not known whether runs are lost: ${reason}`, {
      type: "WHEREABOUTS_UNKNOWN",
    });
  }
}

const CALL_TIMEOUT_MS = 2000;
/** A new process discovers all other nodes within this time, including those that were disconnected briefly. */
const DISCOVERY_MS = 5000;
const CATCH_UP_LIMIT_MS = 5000;

/**
 * Looks for runs in each location on their way, in the order in which they pass through: the outbox, the bus, an
 * executor, and as an outcome on the bus again. A run that moves on meanwhile is found in the next location.
 */
export function runLocations(
  broker: ServiceBroker,
  unsentOf: (events: readonly WrittenEvent[]) => Promise<ReadonlySet<string>>,
): RunLocations {
  const startedAt = performance.now();

  /** An executor may have a run in flight whose `task.due` the bus has lost. */
  async function inFlightEverywhere(runIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (broker.transit && performance.now() - startedAt < DISCOVERY_MS)
      throw new LocationUnknown("the executors are not all known yet");
    return new Set((await Promise.all(callExecutors(runIds))).flat());
  }

  function callExecutors(runIds: readonly string[]): Promise<readonly string[]>[] {
    return nodesOffering(broker, "executor").map(async ({ id: nodeID, available }) => {
      if (!available) throw new LocationUnknown(`executor ${nodeID} is out of reach`);
      const limits = { nodeID, timeout: CALL_TIMEOUT_MS };
      return (await call(broker, "executor.inFlight", { runIds: [...runIds] }, limits)).held;
    });
  }

  return {
    async inFlight(runIds) {
      const responses = await Promise.allSettled(callExecutors(runIds));
      return new Set(
        responses.flatMap((response) => (response.status === "fulfilled" ? response.value : [])),
      );
    },

    async locate(runs) {
      const locations = new Map<string, RunLocation>();
      /** Notes the runs that are at this location and returns the others. */
      const sift = (
        left: readonly DispatchedRun[],
        location: RunLocation,
        isThere: (run: DispatchedRun) => boolean,
      ) => {
        for (const run of left) if (isThere(run)) locations.set(run.recordId, location);
        return left.filter(({ recordId }) => !locations.has(recordId));
      };

      const unsent = await unsentOf(runs);
      let left = sift(runs, "outbox", ({ id }) => unsent.has(id));
      if (left.length === 0) return locations;
      const ids = left.map(({ id }) => id);
      const unhandled = await broker.bus.unhandled("executor", "task.due", ids);
      left = sift(left, "bus", ({ id }) => unhandled.has(id));
      if (left.length === 0) return locations;
      const inFlight = await inFlightEverywhere(left.map(({ recordId }) => recordId));
      left = sift(left, "executor", ({ recordId }) => inFlight.has(recordId));
      if (left.length > 0 && !(await broker.bus.hasCaughtUp("records", "run.*", CATCH_UP_LIMIT_MS)))
        throw new LocationUnknown("outcomes of runs wait to be recorded");
      return locations;
    },
  };
}

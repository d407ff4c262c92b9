import type { ServiceBroker } from "moleculer";
import { nodesOffering } from "../../../shared/nodes-offering.ts";
import { call } from "../../../shared/service.ts";

/**
 * Ids of those runs that the asking executor has to leave to another one: it has started them, or both have received
 * them and its node id comes first. An executor that does not answer in time has no claim; it asks before it starts
 * anything once it runs again.
 */
export type HeldElsewhere = (runIds: readonly string[], asker: string) => Promise<ReadonlySet<string>>;

const ANSWER_LIMIT_MS = 700;

export function heldElsewhere(broker: ServiceBroker): HeldElsewhere {
  return async (runIds, asker) => {
    const others = nodesOffering(broker, "executor").filter(({ id, available }) => available && id !== asker);
    const answers = others.map(async ({ id: nodeID }) => {
      const limits = { nodeID, timeout: ANSWER_LIMIT_MS };
      const { held, started } = await call(broker, "executor.inFlight", { runIds: [...runIds] }, limits);
      return nodeID < asker ? held : started;
    });
    const known = await Promise.allSettled(answers);
    return new Set(known.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])));
  };
}

import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";

export type OperationEnvelope = DomainEnvelope<"operation.recorded">;

/** The gateway has recorded an operation, and the bus has delivered it. */
export interface StoreOperation {
  readonly type: "store";
  readonly event: OperationEnvelope;
}

/** The operations of one day. Nothing depends on earlier ones, so there is no state but the version of the stream. */
export const operationDay: Decider<null, StoreOperation, OperationEnvelope> = {
  initialState: null,
  decide: ({ event }) => [event],
  evolve: () => null,
};

const STREAM = "operation-";

/** The day of an event: the second part of its stream's name. */
export function dayOf({ subject }: Pick<OperationEnvelope, "subject">): string {
  return subject.slice(STREAM.length);
}

/** The stream of a day, or the end of the streams before it. */
export const streamOf = (day: string): string => STREAM + day;

/** The day of an instant, in UTC: `2026-01-05`. */
export const utcDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

import type { Clock } from "../../../shared/clock.ts";
import { createCommandHandler } from "../../../shared/event-store/command-handler.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { storedEvents } from "../../../shared/event-store/stored-events.ts";
import type { Operations } from "./mongo-operations.ts";
import { dayOf, type OperationEnvelope, operationDay } from "./operation-log.ts";

/** Stores the operations that the bus delivers. */
export interface OperationRecorder {
  /**
   * Resolves when the operations are stored durably; each is stored once, however often it is delivered.
   *
   * @throws `STORE_UNAVAILABLE`, `STREAM_CONFLICT` (both retryable)
   */
  store(events: readonly OperationEnvelope[], delivery: { readonly isRedelivered: boolean }): Promise<void>;
  idle(): Promise<void>;
}

export interface OperationRecorderOptions {
  readonly store: EventStore;
  readonly operations: Operations;
  readonly clock: Clock;
}

/** Days of one transaction. */
const MAX_BATCH = 100;

export function createOperationRecorder(options: OperationRecorderOptions): OperationRecorder {
  const { store, operations, clock } = options;
  const handler = createCommandHandler({
    store,
    decider: operationDay,
    stream: "operation",
    states: operations,
    clock,
    maxBatch: MAX_BATCH,
    reads: "within",
    // The event keeps its id, by which a repeated delivery is recognised.
    destinationOf: () => "keep",
    mayAppend: () => false,
    outcomes: storedEvents,
  });
  return {
    async store(events, { isRedelivered }) {
      await handler.handleAll(
        events.map((event) => ({
          id: dayOf(event),
          command: { type: "store", event },
          ref: { id: event.id, deadline: Number.POSITIVE_INFINITY },
          isFirst: !isRedelivered,
        })),
      );
    },
    idle: handler.idle,
  };
}

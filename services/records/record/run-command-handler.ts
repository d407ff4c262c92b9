import type { Clock } from "../../../shared/clock.ts";
import { type CommandHandler, createCommandHandler } from "../../../shared/event-store/command-handler.ts";
import type { Destination, StateStore } from "../../../shared/event-store/command-handler-options.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { storedEvents } from "../../../shared/event-store/stored-events.ts";
import type { RunRecord } from "./record.ts";
import { type DecidedRunEvent, isStored, type RunCommand, run } from "./run.ts";

/** Changes the streams of runs and their records. */
export type RunCommandHandler = CommandHandler<RunRecord | null, RunCommand, DecidedRunEvent>;

export interface RunCommandHandlerOptions {
  readonly store: EventStore;
  readonly records: StateStore<RunRecord | null, RunCommand, DecidedRunEvent>;
  readonly clock: Clock;
  /** Records of one transaction. */
  readonly maxBatch: number;
  /** Called for each new record once it is stored. */
  readonly onAdded?: (taskId: string) => void;
}

/**
 * States are read within the transaction: `task.due` changes a record without an event on the run's stream, so that the
 * stream's version alone does not detect a concurrent change.
 */
export function runCommandHandler(options: RunCommandHandlerOptions): RunCommandHandler {
  const { store, records, clock, maxBatch, onAdded } = options;
  return createCommandHandler({
    store,
    decider: run,
    stream: "run",
    states: records,
    clock,
    maxBatch,
    reads: "within",
    destinationOf,
    mayAppend: ({ type }) => type !== "record",
    outcomes: storedEvents,
    onMoved(_, { state }, before) {
      if (before === null && state !== null) onAdded?.(state.taskId);
    },
  });
}

/** Events of the run are kept on its stream. Events of its task are on the task's stream already. */
function destinationOf(event: DecidedRunEvent): Destination {
  if (!isStored(event)) return "append";
  return event.type.startsWith("run.") ? "keep" : "fold";
}

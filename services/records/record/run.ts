import type { Cancellation, RunEvent } from "../../../shared/contracts/run-events.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";
import {
  foldRecord,
  isFolded,
  isOpen,
  numberOfLatest,
  type RecordedEvent,
  type RunRecord,
} from "./record.ts";

export type RunCommand =
  /** An event that the bus has delivered: of the run, or the event of its task that dispatched or skipped it. */
  | { readonly type: "record"; readonly event: RecordedEvent }
  | { readonly type: "declareLost"; readonly reason: string; readonly now: number }
  | Cancel;

/** Ends a run that no executor has started, or has any more. */
export interface Cancel {
  readonly type: "cancel";
  /** Null for a run that waits for a retry which was withdrawn with its task. */
  readonly cancellation: Cancellation | null;
  /** The process that records it. */
  readonly node: string;
  readonly now: number;
}

type RunLost = Extract<RunEvent, { type: "run.lost" }>;
type RunCancelled = Extract<RunEvent, { type: "run.cancelled" }>;

/** A delivered event, or a new one that has no envelope yet. */
export type DecidedRunEvent = RecordedEvent | RunLost | RunCancelled;

/** A run's life, as it is recorded; null until its first event arrives. */
export const run: Decider<RunRecord | null, RunCommand, DecidedRunEvent> = {
  initialState: null,

  decide(command, record) {
    switch (command.type) {
      case "record":
        return isFolded(record, command.event) ? [] : [command.event];
      case "declareLost":
        return record && isOpen(record) ? [lost(record, command)] : [];
      case "cancel":
        return record && mayCancel(record, command) ? [cancelled(record, command)] : [];
    }
  },

  evolve: (record, event) => foldRecord(record, isStored(event) ? event : withTime(event)),
};

function lost(
  { runId, taskId, plannedAt, attempts }: RunRecord,
  { reason, now }: Extract<RunCommand, { type: "declareLost" }>,
): RunLost {
  const attempt = Math.max(1, numberOfLatest(attempts));
  const lostAt = new Date(now).toISOString();
  return { type: "run.lost", data: { runId, taskId, attempt, plannedAt, lostAt, reason } };
}

function mayCancel(record: RunRecord, { cancellation }: Cancel): boolean {
  return cancellation ? isOpen(record) : record.status === "retrying";
}

function cancelled(
  { runId, taskId, plannedAt, attempts }: RunRecord,
  { cancellation, node, now }: Cancel,
): RunCancelled {
  const instant = new Date(now).toISOString();
  return {
    type: "run.cancelled",
    data: {
      runId,
      taskId,
      attempt: Math.max(1, numberOfLatest(attempts)),
      delivery: 1,
      executor: node,
      plannedAt,
      startedAt: instant,
      endedAt: instant,
      hasStarted: false,
      ...(cancellation ? requested(cancellation) : { reason: "revoked" }),
    },
  };
}

function requested({ at, by }: Cancellation) {
  return { reason: "requested", requestedAt: at, ...(by === null ? {} : { requestedBy: by }) } as const;
}

/** True for an event that has its envelope. */
export function isStored(event: DecidedRunEvent): event is RecordedEvent {
  return "id" in event;
}

const withTime = (event: RunLost | RunCancelled) =>
  ({ ...event, time: event.type === "run.lost" ? event.data.lostAt : event.data.endedAt }) as RecordedEvent;

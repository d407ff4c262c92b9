import type { Backlog } from "../bus/bus.ts";

/** The end of a run, as its executor or the records service decides it. */
export interface RunEnd {
  readonly handler: string;
  readonly outcome: "succeeded" | "failed" | "timed_out" | "cancelled" | "lost";
  /** Absent if the run never started. */
  readonly attempt?: {
    /** ISO-8601, as in its events. */
    readonly plannedAt: string;
    /** In ms since the epoch. */
    readonly startedAt: number;
    /** ISO-8601, as in its events. */
    readonly endedAt: string;
  };
}

export interface HttpRequest {
  readonly method: string;
  /** The path of the route, not that of the request: the number of series has to be bounded. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

export interface OutboxLevel {
  readonly pending: number;
  /** Age of the oldest event that the bus has not accepted, in ms; 0 if there is none. */
  readonly oldestMs: number;
}

export interface ExecutorLevel {
  readonly running: number;
  readonly waiting: number;
  readonly slots: number;
}

export interface LeaderLevel {
  readonly isLeader: boolean;
  /** Tasks that only skip, because they wait for a run that no executor has. */
  readonly stuckTasks: number;
}

/**
 * What the parts of a process report about themselves. Counting must cost next to nothing; levels are read when they are
 * scraped.
 */
export interface Metrics {
  runEnded(end: RunEnd): void;
  occurrencesSkipped(reason: string, count: number): void;
  eventSent(type: string): void;
  deadLettered(group: string): void;
  transactionEnded(service: string, outcome: "committed" | "failed", ms: number): void;
  requestEnded(request: HttpRequest): void;
  watchBus(read: () => Promise<readonly Backlog[]>): void;
  watchOutbox(service: string, read: () => OutboxLevel): void;
  watchExecutor(read: () => ExecutorLevel): void;
  watchLeader(read: () => LeaderLevel): void;
}

const ignore = () => {};

/** For a process that exports no metrics. */
export const noMetrics: Metrics = {
  runEnded: ignore,
  occurrencesSkipped: ignore,
  eventSent: ignore,
  deadLettered: ignore,
  transactionEnded: ignore,
  requestEnded: ignore,
  watchBus: ignore,
  watchOutbox: ignore,
  watchExecutor: ignore,
  watchLeader: ignore,
};

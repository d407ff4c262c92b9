import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import type { Outcome } from "./outcome.ts";

/** An attempt that runs longer than this publishes `run.started`; a shorter one reports its start in its final event. */
export const START_NOTICE_MS = 300;
/** How often a running attempt publishes its log lines and its progress. */
export const REPORT_EVERY_MS = 1000;
/** How long a handler may take to return after its signal was aborted. */
export const ABORT_GRACE_MS = 2000;

/** The states of an attempt. It starts as `running` and always ends as `ended`. */
export type AttemptState =
  | { readonly name: "running" }
  /** The executor stops: the handler was asked to return, and its failure requeues the run. */
  | { readonly name: "stopping" }
  /** The handler exceeded its time limit and was asked to return. */
  | { readonly name: "timing_out"; readonly graceUntil: number }
  /** The run was cancelled and its handler asked to return. */
  | { readonly name: "cancelling"; readonly graceUntil: number; readonly cancellation: Cancellation }
  /** The outcome is decided, or the run is requeued. The handler may still run. */
  | { readonly name: "ended" };

export const RUNNING: AttemptState = { name: "running" };
export const ENDED: AttemptState = { name: "ended" };
const STOPPING: AttemptState = { name: "stopping" };

/** Returns the state after the executor began to stop. */
export function onStop(state: AttemptState): AttemptState {
  return state.name === "running" ? STOPPING : state;
}

/** Returns the state after the run was cancelled at `now` (monotonic); an attempt that times out already stays so. */
export function onCancel(state: AttemptState, cancellation: Cancellation, now: number): AttemptState {
  if (state.name !== "running" && state.name !== "stopping") return state;
  return { name: "cancelling", graceUntil: now + ABORT_GRACE_MS, cancellation };
}

/** Returns the attempt's outcome after its handler returned or threw; `requeue` or `nothing` if it has none. */
export function onReturn(
  state: AttemptState,
  outcome: Outcome,
  timeoutMs: number,
): Outcome | "requeue" | "nothing" {
  switch (state.name) {
    case "running":
      return outcome;
    case "stopping":
      return outcome.kind === "failed" ? "requeue" : outcome;
    case "timing_out":
      return { kind: "timed_out", timeoutMs };
    case "cancelling":
      return { kind: "cancelled", cancellation: state.cancellation };
    case "ended":
      return "nothing";
  }
}

/** Times by a monotonic clock, which no change of the wall clock moves. */
export interface TimeLimit {
  readonly begunAt: number;
  readonly timeoutMs: number;
}

/** What an attempt has to do at a time, and when to look again (monotonic). */
export type TimerStep =
  | { readonly do: "nothing" }
  | { readonly do: "wait" | "report"; readonly until: number }
  /** Abort the handler's signal. */
  | { readonly do: "abort"; readonly until: number }
  /** The handler ignored its signal: end the attempt as timed out or cancelled. */
  | { readonly do: "give_up" };

const NOTHING: TimerStep = { do: "nothing" };
const GIVE_UP: TimerStep = { do: "give_up" };

/** Returns what has become due by `now`. */
export function onTime(state: AttemptState, { begunAt, timeoutMs }: TimeLimit, now: number): TimerStep {
  if (state.name === "ended") return NOTHING;
  const deadline = begunAt + timeoutMs;
  const isAborted = state.name === "timing_out" || state.name === "cancelling";
  if (isAborted && now >= state.graceUntil) return GIVE_UP;
  if (!isAborted && now >= deadline) return { do: "abort", until: now + ABORT_GRACE_MS };
  const end = isAborted ? state.graceUntil : deadline;
  const noticeAt = begunAt + START_NOTICE_MS;
  if (now < noticeAt) return { do: "wait", until: Math.min(noticeAt, end) };
  return { do: "report", until: Math.min(now + REPORT_EVERY_MS, end) };
}

import { Requeue } from "../../../shared/bus/bus.ts";
import { monotonicClock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import {
  AppError,
  type AppErrorOptions,
  errorMessage,
  errorType,
  isRetryable,
} from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import type { HeapEntry } from "../../../shared/min-heap.ts";
import type { HandlerRegistry } from "../handler/handler-registry.ts";
import type { AfterTurn } from "./after-turn.ts";
import { type AttemptIdentity, attemptIdentity, endEvent } from "./attempt-events.ts";
import { AttemptReports } from "./attempt-reports.ts";
import { isoInstant } from "./instants.ts";
import { type Outcome, returned, thrown } from "./outcome.ts";
import { RunContext, type RunContextDeps } from "./run-context.ts";

/** An attempt that still runs after this says `run.started`; a shorter one tells its start with its end. */
export const START_NOTICE_MS = 300;
/** How often a running attempt sends its log lines and its progress. */
export const REPORT_EVERY_MS = 1000;
/** How long a handler may take to settle once it was aborted. */
export const ABORT_GRACE_MS = 2000;

export interface AttemptDeps extends RunContextDeps {
  readonly registry: HandlerRegistry;
  readonly logger: Log;
  /** This executor's name in events. */
  readonly executor: string;
  /** Holds where neither the task nor its handler states a limit. */
  readonly defaultTimeoutMs: number;
  /** Sends outcomes when no handler is left to start. */
  readonly later: AfterTurn;
  emit(event: RunEvent, cause: DomainEnvelope<"task.due">): Promise<void>;
}

/** What becomes of an attempt: `settled` once, and one of the others once. */
export interface AttemptEnd {
  /** The bus has the outcome. */
  accepted(): void;
  /** There is no outcome: the run is handed back, or the bus refuses its event for good. */
  failed(error: unknown): void;
  /** The handler no longer runs; comes before or after the outcome. */
  settled(): void;
}

/** One execution of a run by its handler, from the call to the accepted outcome. */
export class RunAttempt implements HeapEntry {
  at = 0;
  sequence = 0;
  position = -1;

  readonly handlerName: string;
  private readonly due: DomainEnvelope<"task.due">;
  private readonly delivery: number;
  private readonly deps: AttemptDeps;
  private readonly end: AttemptEnd;
  private context: RunContext | undefined;
  /** The instant, for events; durations are counted from `begunAt`, which no change of the clock moves. */
  private startedAt = 0;
  private begunAt = 0;
  private timeoutMs = 0;
  private graceUntil: number | undefined;
  private isStopping = false;
  private isDone = false;
  private madeReports: AttemptReports | undefined;

  constructor(due: DomainEnvelope<"task.due">, delivery: number, deps: AttemptDeps, end: AttemptEnd) {
    this.due = due;
    this.delivery = delivery;
    this.deps = deps;
    this.end = end;
    this.handlerName = due.data.handler;
  }

  /** Calls the handler; false where it has settled when this returns. */
  begin(now: number): boolean {
    const { data } = this.due;
    this.startedAt = now;
    this.begunAt = monotonicClock.now();
    let value: unknown;
    let isPending: boolean;
    try {
      const handler = this.deps.registry.get(data.handler);
      this.timeoutMs = data.timeoutMs ?? handler.timeoutMs ?? this.deps.defaultTimeoutMs;
      this.context = new RunContext(this.due, this.begunAt + this.timeoutMs, this.deps);
      handler.checkParams(data.params);
      value = handler.run(data.params, this.context);
      isPending = isThenable(value);
    } catch (error) {
      this.settle(thrown(error));
      return false;
    }
    if (!isPending) {
      this.settle(returned(value));
      return false;
    }
    // A foreign thenable may settle more than once; a promise of ours does not.
    Promise.resolve(value).then(
      (result) => this.settle(returned(result)),
      (error: unknown) => this.settle(thrown(error)),
    );
    return true;
  }

  /** Does what has become due by `now` (monotonic); returns when to call again, or null when nothing is left to wait for. */
  tick(now: number): number | null {
    if (this.isDone) return null;
    if (this.graceUntil !== undefined && now >= this.graceUntil) {
      this.reportUnresponsive();
      return null;
    }
    const deadline = this.begunAt + this.timeoutMs;
    if (this.graceUntil === undefined && now >= deadline) {
      this.graceUntil = now + ABORT_GRACE_MS;
      this.context?.abort(timeoutError(this.timeoutMs));
      return this.graceUntil;
    }
    const notice = this.begunAt + START_NOTICE_MS;
    if (now < notice) return Math.min(notice, deadline);
    if (this.context) void this.reports(this.context).send();
    return Math.min(now + REPORT_EVERY_MS, this.graceUntil ?? deadline);
  }

  /** The executor stops: the handler is asked to end; unless it ends well, its run is handed back. */
  stop(): void {
    this.isStopping = true;
    this.context?.abort(new AppError("The executor stops", { type: "EXECUTOR_STOPPING" }));
  }

  /** Leaves the run to another executor, whatever its handler still does. */
  requeue(): void {
    if (this.isDone) return;
    this.finish();
    this.end.failed(new Requeue(`the executor stopped during run ${this.due.data.runId}`));
  }

  private settle(outcome: Outcome): void {
    this.end.settled();
    if (this.isDone) return;
    if (this.graceUntil !== undefined) this.conclude({ kind: "timed_out", timeoutMs: this.timeoutMs });
    else if (this.isStopping && outcome.kind === "failed") this.requeue();
    else {
      if (outcome.kind === "succeeded" && outcome.warning) this.context?.log.warn(outcome.warning);
      this.conclude(outcome);
    }
  }

  private reportUnresponsive(): void {
    const { runId } = this.due.data;
    this.deps.logger.warn(
      { runId, handler: this.handlerName, timeoutMs: this.timeoutMs },
      "a handler ignored its abort and still runs; it keeps its slot until it returns",
    );
    this.conclude({ kind: "timed_out", timeoutMs: this.timeoutMs });
  }

  /** Sends the outcome; before it, what it cannot carry itself. */
  private conclude(outcome: Outcome): void {
    const endedAt = this.finish();
    const { context } = this;
    const fits = !context?.reported && (context?.lines?.fitsOneBatch ?? true) && !this.madeReports?.isSending;
    this.deps.later.add(() => {
      const rest = context && !fits ? this.reports(context).finish() : undefined;
      const sent = rest ? rest.then(() => this.sendEnd(outcome, endedAt)) : this.sendEnd(outcome, endedAt);
      sent.then(this.end.accepted, (error: unknown) => this.refused(error, endedAt));
    });
  }

  private sendEnd(outcome: Outcome, endedAt: string): Promise<void> {
    const lines = this.context?.lines?.take() ?? [];
    return this.emit(
      endEvent(this.identity(), { startedAt: isoInstant(this.startedAt), endedAt, lines }, outcome),
    );
  }

  /** An outcome that the bus will never take becomes one that it can: the run must not be executed for it again. */
  private refused(error: unknown, endedAt: string): void {
    if (isRetryable(error)) {
      this.end.failed(error);
      return;
    }
    const outcome = thrown(new OutcomeRefused(error));
    this.sendEnd(outcome, endedAt).then(this.end.accepted, this.end.failed);
  }

  private finish(): string {
    this.isDone = true;
    const endedAt = isoInstant(this.deps.clock.now());
    this.context?.end(endedAt);
    return endedAt;
  }

  /** Made for attempts that have something to say before their end: most have not. */
  private reports(context: RunContext): AttemptReports {
    this.madeReports ??= new AttemptReports({
      identity: this.identity(),
      startedAt: isoInstant(this.startedAt),
      timeoutMs: this.timeoutMs,
      context,
      logger: this.deps.logger,
      emit: (event) => this.emit(event),
    });
    return this.madeReports;
  }

  private identity(): AttemptIdentity {
    return attemptIdentity(this.due, this.delivery, this.deps.executor);
  }

  private emit(event: RunEvent): Promise<void> {
    return this.deps.emit(event, this.due);
  }
}

class OutcomeRefused extends AppError {
  constructor(cause: unknown) {
    const type = errorType(cause) ?? "OUTCOME_REFUSED";
    const options = { type, retryable: false, cause } as AppErrorOptions;
    super(`The run's outcome could not be sent: ${errorMessage(cause)}`, options);
  }
}

function timeoutError(timeoutMs: number): AppError {
  return new AppError(`The run took longer than its limit of ${timeoutMs} ms`, {
    type: "RUN_TIMEOUT",
  });
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

import { type Delivery, Requeue } from "../../../shared/bus/bus.ts";
import { monotonicClock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { Cancellation, RunEvent } from "../../../shared/contracts/run-events.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import type { Metrics } from "../../../shared/monitoring/metrics.ts";
import type { HandlerRegistry } from "../handler/handler-registry.ts";
import { attemptIdentity } from "./attempt-events.ts";
import { AttemptReports } from "./attempt-reports.ts";
import {
  type AttemptState,
  ENDED,
  onCancel,
  onReturn,
  onStop,
  onTime,
  RUNNING,
  type TimeLimit,
} from "./attempt-state.ts";
import { type Outcome, returned, thrown } from "./outcome.ts";
import type { OutcomePublisher } from "./outcome-publisher.ts";
import { RunContext, type RunContextDeps } from "./run-context.ts";

export interface AttemptDeps<R> extends RunContextDeps {
  readonly registry: HandlerRegistry;
  readonly logger: Log;
  /** Name of this executor in events. */
  readonly executor: string;
  /** Applies if neither the task nor its handler has a limit. */
  readonly defaultTimeoutMs: number;
  readonly outcomes: OutcomePublisher;
  readonly listener: AttemptListener<R>;
  readonly metrics?: Pick<Metrics, "runEnded">;
  emit(event: RunEvent, cause: DomainEnvelope<"task.due">): Promise<void>;
}

/** Is notified of an attempt: of its handler's return once, and of one of the two others once, in any order. */
export interface AttemptListener<R> {
  /** The handler no longer runs. */
  handlerReturned(run: R): void;
  /** The bus has accepted the outcome. */
  accepted(run: R): void;
  /** There is no outcome: the run is requeued, or the bus will never accept its event. */
  failed(run: R, error: unknown): void;
}

export interface AttemptedRun {
  readonly due: DomainEnvelope<"task.due">;
  readonly delivery: Pick<Delivery, "count">;
}

const NOT_STARTED: TimeLimit = { begunAt: 0, timeoutMs: 0 };

/** One execution of a run by its handler, from the call until the outcome is accepted. */
export class RunAttempt<R extends AttemptedRun = AttemptedRun> {
  readonly #run: R;
  readonly #deps: AttemptDeps<R>;
  #state: AttemptState = RUNNING;
  #startedAt = 0;
  #limit = NOT_STARTED;
  #context: RunContext | undefined;
  #reports: AttemptReports | undefined;

  constructor(run: R, deps: AttemptDeps<R>) {
    this.#run = run;
    this.#deps = deps;
  }

  get handlerName(): string {
    return this.#run.due.data.handler;
  }

  /** Calls the handler; returns false if it has returned. */
  start(now: number): boolean {
    this.#startedAt = now;
    let value: unknown;
    let isPending: boolean;
    try {
      value = this.#callHandler();
      isPending = isThenable(value);
    } catch (error) {
      this.#onReturn(thrown(error));
      return false;
    }
    if (!isPending) {
      this.#onReturn(returned(value));
      return false;
    }
    // Another library's thenable may settle more than once; our own promise does not.
    Promise.resolve(value).then(
      (result) => this.#onReturn(returned(result)),
      (error: unknown) => this.#onReturn(thrown(error)),
    );
    return true;
  }

  #callHandler(): unknown {
    const { due } = this.#run;
    const { registry, defaultTimeoutMs } = this.#deps;
    const begunAt = monotonicClock.now();
    const handler = registry.get(due.data.handler);
    const timeoutMs = due.data.timeoutMs ?? handler.timeoutMs ?? defaultTimeoutMs;
    this.#limit = { begunAt, timeoutMs };
    this.#context = new RunContext(due, begunAt + timeoutMs, this.#deps);
    handler.checkParams(due.data.params);
    return handler.run(due.data.params, this.#context);
  }

  /** Does what is due at `now` (monotonic); returns when to call again, or null if there is nothing to wait for. */
  onTimer(now: number): number | null {
    const step = onTime(this.#state, this.#limit, now);
    switch (step.do) {
      case "nothing":
        return null;
      case "wait":
        return step.until;
      case "report":
        if (this.#context) void this.#reportsOf(this.#context).send();
        return step.until;
      case "abort":
        this.#state = { name: "timing_out", graceUntil: step.until };
        this.#context?.abort(timeoutError(this.#limit.timeoutMs));
        return step.until;
      case "give_up":
        this.#giveUp();
        return null;
    }
  }

  /** The executor stops: asks the handler to return. The run is requeued unless the handler succeeds. */
  stop(): void {
    this.#state = onStop(this.#state);
    this.#context?.abort(new AppError("The executor stops", { type: "EXECUTOR_STOPPING" }));
  }

  /** Asks the handler to return. The run ends as cancelled, at the latest after the grace time. */
  cancel(cancellation: Cancellation): void {
    const state = onCancel(this.#state, cancellation, monotonicClock.now());
    if (state === this.#state) return;
    this.#state = state;
    this.#context?.abort(new AppError("The run was cancelled on request", { type: "RUN_CANCELLED" }));
  }

  /** Requeues the run, even if its handler still runs. */
  requeue(): void {
    if (this.#state.name === "ended") return;
    this.#end();
    this.#deps.listener.failed(this.#run, new Requeue("the executor stopped during the run"));
  }

  #onReturn(result: Outcome): void {
    this.#deps.listener.handlerReturned(this.#run);
    const outcome = onReturn(this.#state, result, this.#limit.timeoutMs);
    if (outcome === "nothing") return;
    if (outcome === "requeue") {
      this.requeue();
      return;
    }
    if (outcome.kind === "succeeded" && outcome.warning) this.#context?.log.warn(outcome.warning);
    this.#publish(outcome);
  }

  #giveUp(): void {
    const { timeoutMs } = this.#limit;
    this.#deps.logger.warn(
      { runId: this.#run.due.data.runId, handler: this.handlerName, timeoutMs },
      "a handler ignored its abort and still runs; it keeps its slot until it returns",
    );
    const state = this.#state;
    if (state.name === "cancelling") this.#publish({ kind: "cancelled", cancellation: state.cancellation });
    else this.#publish({ kind: "timed_out", timeoutMs });
  }

  #publish(outcome: Outcome): void {
    const { due, delivery } = this.#run;
    const { executor, listener, outcomes, metrics } = this.#deps;
    const endedAt = this.#end();
    metrics?.runEnded({
      handler: due.data.handler,
      outcome: outcome.kind,
      attempt: { plannedAt: due.data.plannedAt, startedAt: this.#startedAt, endedAt },
    });
    const context = this.#context;
    outcomes.publish({
      due,
      identity: attemptIdentity(due, delivery.count, executor),
      span: { startedAt: isoInstant(this.#startedAt), endedAt },
      outcome,
      context,
      reports: context && this.#hasUnpublishedReports(context) ? this.#reportsOf(context) : undefined,
      accepted: () => listener.accepted(this.#run),
      failed: (error) => listener.failed(this.#run, error),
    });
  }

  /** True if the final event cannot contain everything that the handler reported. */
  #hasUnpublishedReports({ reported, lines }: RunContext): boolean {
    return reported !== undefined || lines?.fitsOneBatch === false || this.#reports?.isSending === true;
  }

  #end(): string {
    this.#state = ENDED;
    const endedAt = isoInstant(this.#deps.clock.now());
    this.#context?.end(endedAt);
    return endedAt;
  }

  /** Created on demand: most attempts publish nothing before their end. */
  #reportsOf(context: RunContext): AttemptReports {
    const { due, delivery } = this.#run;
    const { executor, logger, emit } = this.#deps;
    this.#reports ??= new AttemptReports({
      identity: attemptIdentity(due, delivery.count, executor),
      startedAt: isoInstant(this.#startedAt),
      timeoutMs: this.#limit.timeoutMs,
      context,
      logger,
      emit: (event) => emit(event, due),
    });
    return this.#reports;
  }
}

function timeoutError(timeoutMs: number): AppError {
  return new AppError(`The run took longer than its limit of ${timeoutMs} ms`, { type: "RUN_TIMEOUT" });
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

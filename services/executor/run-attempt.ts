import { HandBack } from "../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../shared/contracts/run-events.ts";
import { AppError, errorMessage, errorType, isRetryable } from "../../shared/errors.ts";
import type { HeapEntry } from "../../shared/min-heap.ts";
import { cutText } from "./cut-text.ts";
import type { ExecutorLogger } from "./executor-logger.ts";
import type { HandlerRegistry } from "./handler-registry.ts";
import { isoInstant } from "./instants.ts";
import { MESSAGE_MAX_BYTES, type Outcome, returned, thrown } from "./outcome.ts";
import { RunContext, type RunContextDeps } from "./run-context.ts";

/** An attempt that still runs after this says `run.started`; a shorter one tells its start with its end. */
export const START_NOTICE_MS = 300;
/** How often a running attempt sends its log lines and its progress. */
export const REPORT_EVERY_MS = 1000;
/** How long a handler may take to settle once it was aborted. */
export const ABORT_GRACE_MS = 2000;

export interface AttemptDeps extends RunContextDeps {
  readonly registry: HandlerRegistry;
  readonly logger: ExecutorLogger;
  /** This executor's name in events. */
  readonly executor: string;
  /** Holds where neither the task nor its handler states a limit. */
  readonly defaultTimeoutMs: number;
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
  private startedAt = 0;
  private timeoutMs = 0;
  private graceUntil: number | undefined;
  private isAnnounced = false;
  private isStopping = false;
  private isDone = false;
  private sending: Promise<void> | undefined;

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
    let value: unknown;
    try {
      const handler = this.deps.registry.get(data.handler);
      this.timeoutMs = data.timeoutMs ?? handler.timeoutMs ?? this.deps.defaultTimeoutMs;
      this.context = new RunContext(this.due, now + this.timeoutMs, this.deps);
      handler.checkParams(data.params);
      value = handler.run(data.params, this.context);
    } catch (error) {
      this.settle(thrown(error));
      return false;
    }
    if (!isThenable(value)) {
      this.settle(returned(value));
      return false;
    }
    value.then(
      (result) => this.settle(returned(result)),
      (error: unknown) => this.settle(thrown(error)),
    );
    return true;
  }

  /** Does what has become due by now; answers when to ask again, or null when nothing is left to wait for. */
  tick(now: number): number | null {
    if (this.isDone) return null;
    if (this.graceUntil !== undefined && now >= this.graceUntil) {
      this.reportUnresponsive();
      return null;
    }
    const deadline = this.startedAt + this.timeoutMs;
    if (this.graceUntil === undefined && now >= deadline) {
      this.graceUntil = now + ABORT_GRACE_MS;
      this.context?.abort(timeoutError(this.timeoutMs));
      return this.graceUntil;
    }
    const notice = this.startedAt + START_NOTICE_MS;
    if (now < notice) return Math.min(notice, deadline);
    this.sending ??= this.report().finally(() => {
      this.sending = undefined;
    });
    return Math.min(now + REPORT_EVERY_MS, this.graceUntil ?? deadline);
  }

  /** The executor stops: the handler is asked to end; unless it ends well, its run is handed back. */
  stop(): void {
    this.isStopping = true;
    this.context?.abort(
      new AppError("The executor stops", { type: "EXECUTOR_STOPPING", code: 503, retryable: true }),
    );
  }

  /** Leaves the run to another executor, whatever its handler still does. */
  handBack(): void {
    if (this.isDone) return;
    this.finish();
    this.end.failed(new HandBack(`the executor stopped during run ${this.due.data.runId}`));
  }

  private settle(outcome: Outcome): void {
    this.end.settled();
    if (this.isDone) return;
    if (this.isStopping && outcome.kind === "failed") this.handBack();
    else if (this.graceUntil === undefined) this.conclude(outcome);
    else this.conclude({ kind: "timed_out", timeoutMs: this.timeoutMs });
  }

  private reportUnresponsive(): void {
    this.deps.logger.warn(
      `handler ${this.handlerName} ignored its abort after ${this.timeoutMs} ms and still runs (run ${this.due.data.runId}); it keeps its place until it settles`,
    );
    this.conclude({ kind: "timed_out", timeoutMs: this.timeoutMs });
  }

  /** Sends what is left of the log and the progress, then the outcome. */
  private conclude(outcome: Outcome): void {
    const endedAt = this.finish();
    const { context } = this;
    const isShort = !this.sending && !context?.reported && (context?.lines?.fitsOneBatch ?? true);
    const sent = isShort ? this.emit(this.endEvent(outcome, endedAt)) : this.concludeLate(outcome, endedAt);
    sent.then(this.end.accepted, (error: unknown) => this.refused(error, endedAt));
  }

  /** An outcome that the bus will never take becomes one that it can: the run must not be executed for it again. */
  private refused(error: unknown, endedAt: string): void {
    if (isRetryable(error)) {
      this.end.failed(error);
      return;
    }
    const data = { ...this.identity(), startedAt: isoInstant(this.startedAt), endedAt };
    const message = `The run's outcome could not be sent: ${errorMessage(error)}`;
    const failure = {
      type: errorType(error) ?? "OUTCOME_REFUSED",
      message: cutText(message, MESSAGE_MAX_BYTES),
    };
    this.emit({ type: "run.failed", data: { ...data, error: failure, retryable: false } }).then(
      this.end.accepted,
      this.end.failed,
    );
  }

  private async concludeLate(outcome: Outcome, endedAt: string): Promise<void> {
    await this.sending;
    await this.report();
    await this.emit(this.endEvent(outcome, endedAt));
  }

  private finish(): string {
    this.isDone = true;
    const endedAt = isoInstant(this.deps.clock.now());
    this.context?.end(endedAt);
    return endedAt;
  }

  /** What a running attempt has to say by now. A report that the bus will not take is left out: the run goes on. */
  private async report(): Promise<void> {
    try {
      if (!this.isAnnounced) {
        this.isAnnounced = true;
        await this.emit({
          type: "run.started",
          data: { ...this.identity(), startedAt: isoInstant(this.startedAt) },
        });
      }
      await this.sendProgress();
      while (this.context?.lines && !this.context.lines.isEmpty) await this.sendLines();
    } catch (error) {
      this.deps.logger.warn(`a report of run ${this.due.data.runId} was not sent: ${errorMessage(error)}`);
    }
  }

  private async sendProgress(): Promise<void> {
    const progress = this.context?.reported;
    if (!this.context || !progress) return;
    this.context.reported = undefined;
    await this.emit({ type: "run.progressed", data: { ...this.identity(), ...progress } });
  }

  private async sendLines(): Promise<void> {
    const lines = this.context?.lines?.take() ?? [];
    await this.emit({ type: "run.logged", data: { ...this.identity(), lines } });
  }

  private endEvent(outcome: Outcome, endedAt: string): RunEvent {
    const log = this.context?.lines?.isEmpty === false ? { log: this.context.lines.take() } : undefined;
    const data = { ...this.identity(), startedAt: isoInstant(this.startedAt), endedAt, ...log };
    switch (outcome.kind) {
      case "succeeded":
        return {
          type: "run.succeeded",
          data: outcome.result === undefined ? data : { ...data, result: outcome.result },
        };
      case "failed":
        return { type: "run.failed", data: { ...data, error: outcome.error, retryable: outcome.retryable } };
      case "timed_out":
        return { type: "run.timed_out", data: { ...data, timeoutMs: outcome.timeoutMs } };
    }
  }

  private identity() {
    return attemptIdentity(this.due, this.delivery, this.deps.executor);
  }

  private emit(event: RunEvent): Promise<void> {
    return this.deps.emit(event, this.due);
  }
}

/** What every event of an attempt says first. */
export function attemptIdentity(due: DomainEnvelope<"task.due">, delivery: number, executor: string) {
  const { runId, taskId, attempt, plannedAt } = due.data;
  return { runId, taskId, attempt, delivery, executor, plannedAt };
}

function timeoutError(timeoutMs: number): AppError {
  return new AppError(`The run took longer than its limit of ${timeoutMs} ms`, {
    type: "RUN_TIMEOUT",
    code: 504,
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

import type { CallingOptions } from "moleculer";
import { type Clock, monotonicClock } from "../../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { Caller } from "../../../shared/service.ts";
import type { HandlerContext, HandlerLog } from "../handler/define-handler.ts";
import { isoInstant } from "./instants.ts";
import { type LogLevel, RunLog } from "./run-log.ts";

const CALL_SPARE_MS = 1000;

/** The newest report of how far a run is. */
export interface Progress {
  readonly at: string;
  readonly percent: number;
  readonly message?: string;
}

export interface RunContextDeps {
  readonly clock: Clock;
  /** The broker; calls carry the run's correlation and trace. */
  readonly caller: Caller;
}

/**
 * What a handler holds while it runs. A no-op handler costs one object: everything else is made when it is asked for.
 * Every member can be taken off the object and used alone.
 */
export class RunContext implements HandlerContext {
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly plannedAt: string;
  /** Lines not yet sent; undefined while nothing was written. */
  lines: RunLog | undefined;
  /** Report not yet sent. */
  reported: Progress | undefined;

  private readonly due: DomainEnvelope<"task.due">;
  private readonly deps: RunContextDeps;
  /** By the monotonic clock. */
  private readonly deadline: number;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private isOver = false;

  constructor(due: DomainEnvelope<"task.due">, deadline: number, deps: RunContextDeps) {
    this.runId = due.data.runId;
    this.taskId = due.data.taskId;
    this.attempt = due.data.attempt;
    this.plannedAt = due.data.plannedAt;
    this.due = due;
    this.deadline = deadline;
    this.deps = deps;
  }

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.abortReason) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  get log(): HandlerLog {
    const at = (level: LogLevel) => (message: string) => this.write(level, message);
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  get progress(): HandlerContext["progress"] {
    return (percent, message) => {
      if (this.isOver || !Number.isFinite(percent)) return;
      const at = isoInstant(this.deps.clock.now());
      const report = { at, percent: Math.min(100, Math.max(0, percent)) };
      this.reported = message === undefined ? report : { ...report, message: String(message).slice(0, 1000) };
    };
  }

  get call(): HandlerContext["call"] {
    return <N extends ActionName>(name: N, params: ActionParams<N>, options?: CallingOptions) =>
      this.callAny(name, params, options) as Promise<ActionResult<N>>;
  }

  get caller(): Caller {
    return { call: (name, params, options) => this.callAny(name, params, options) };
  }

  /** True once `abort` was called. */
  get isAborted(): boolean {
    return this.abortReason !== undefined;
  }

  abort(reason: Error): void {
    this.abortReason ??= reason;
    this.controller?.abort(reason);
  }

  /** From here on the handler, should it still run, writes nowhere. */
  end(at: string): void {
    this.isOver = true;
    this.lines?.close(at);
  }

  private write(level: LogLevel, message: unknown): void {
    if (this.isOver) return;
    this.lines ??= new RunLog();
    this.lines.write(isoInstant(this.deps.clock.now()), level, message);
  }

  private async callAny(name: string, params: unknown, options?: CallingOptions): Promise<unknown> {
    const { signal } = this;
    signal.throwIfAborted();
    // A little more than what is left: at the deadline the abort ends the call, and the run has timed out, not failed.
    const timeout = Math.max(0, this.deadline - monotonicClock.now()) + CALL_SPARE_MS;
    const meta = this.due.traceparent === undefined ? {} : { traceparent: this.due.traceparent };
    const requestID = this.due.correlationid ?? this.due.id;
    const answer = this.deps.caller.call(name, params, { timeout, requestID, meta, ...options });
    let giveUp: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
    });
    return Promise.race([answer, aborted]).finally(() =>
      signal.removeEventListener("abort", giveUp as () => void),
    );
  }
}

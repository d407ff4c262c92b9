import type { CallingOptions } from "moleculer";
import { type Clock, monotonicClock } from "../../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { Caller } from "../../../shared/service.ts";
import type { HandlerContext, HandlerLog } from "../handler/define-handler.ts";
import { type LogLevel, RunLog } from "./run-log.ts";

/** A call may take this much longer than the attempt, so that the attempt times out instead of failing. */
const CALL_SPARE_MS = 1000;

/** The latest progress that a handler reported. */
export interface Progress {
  readonly at: string;
  readonly percent: number;
  readonly message?: string;
}

export interface RunContextDeps {
  readonly clock: Clock;
  /** The broker; calls contain the run's correlation id and trace. */
  readonly caller: Caller;
}

/**
 * The context that a handler is called with. It costs one object per run: everything else is created on demand. Every
 * member can be destructured and used alone.
 */
export class RunContext implements HandlerContext {
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly plannedAt: string;
  /** Log lines; undefined until something is written. */
  lines: RunLog | undefined;
  /** Progress that is not published yet. */
  reported: Progress | undefined;

  readonly #due: DomainEnvelope<"task.due">;
  readonly #deps: RunContextDeps;
  /** By the monotonic clock. */
  readonly #deadline: number;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #isOver = false;

  constructor(due: DomainEnvelope<"task.due">, deadline: number, deps: RunContextDeps) {
    this.runId = due.data.runId;
    this.taskId = due.data.taskId;
    this.attempt = due.data.attempt;
    this.plannedAt = due.data.plannedAt;
    this.#due = due;
    this.#deadline = deadline;
    this.#deps = deps;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get log(): HandlerLog {
    const at = (level: LogLevel) => (message: string) => this.#write(level, message);
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  get progress(): HandlerContext["progress"] {
    return (percent, message) => {
      if (this.#isOver || !Number.isFinite(percent)) return;
      const at = isoInstant(this.#deps.clock.now());
      const report = { at, percent: Math.min(100, Math.max(0, percent)) };
      this.reported = message === undefined ? report : { ...report, message: String(message).slice(0, 1000) };
    };
  }

  get call(): HandlerContext["call"] {
    return <N extends ActionName>(name: N, params: ActionParams<N>, options?: CallingOptions) =>
      this.#callAny(name, params, options) as Promise<ActionResult<N>>;
  }

  get caller(): Caller {
    return { call: (name, params, options) => this.#callAny(name, params, options) };
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(reason);
  }

  /** From now on, log lines and progress of a handler that still runs are ignored. */
  end(at: string): void {
    this.#isOver = true;
    this.lines?.close(at);
  }

  #write(level: LogLevel, message: unknown): void {
    if (this.#isOver) return;
    this.lines ??= new RunLog();
    this.lines.write(isoInstant(this.#deps.clock.now()), level, message);
  }

  async #callAny(name: string, params: unknown, options?: CallingOptions): Promise<unknown> {
    const { signal } = this;
    signal.throwIfAborted();
    const timeout = Math.max(0, this.#deadline - monotonicClock.now()) + CALL_SPARE_MS;
    const meta = this.#due.traceparent === undefined ? {} : { traceparent: this.#due.traceparent };
    const requestID = this.#due.correlationid ?? this.#due.id;
    const response = this.#deps.caller.call(name, params, { timeout, requestID, meta, ...options });
    let giveUp: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
    });
    return Promise.race([response, aborted]).finally(() =>
      signal.removeEventListener("abort", giveUp as () => void),
    );
  }
}

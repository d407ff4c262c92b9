import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import type { AttemptIdentity } from "./attempt-events.ts";
import type { RunContext } from "./run-context.ts";

export interface AttemptReportsDeps {
  readonly identity: AttemptIdentity;
  readonly startedAt: string;
  readonly timeoutMs: number;
  readonly context: RunContext;
  readonly logger: Log;
  emit(event: RunEvent): Promise<void>;
}

/** Publishes what a long attempt reports before its end: start, progress and log lines, in this order, one at a time. */
export class AttemptReports {
  readonly #deps: AttemptReportsDeps;
  #hasPublishedStart = false;
  #sending: Promise<void> | undefined;

  constructor(deps: AttemptReportsDeps) {
    this.#deps = deps;
  }

  get isSending(): boolean {
    return this.#sending !== undefined;
  }

  /** Publishes what is unpublished, unless the previous call is still running. Never rejects. */
  send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** Publishes everything that is left. Never rejects. */
  async finish(): Promise<void> {
    await this.#sending;
    await this.send();
  }

  /** A report that the bus rejects is dropped; the run continues. */
  async #sendAll(): Promise<void> {
    const { identity, startedAt, timeoutMs, context, emit, logger } = this.#deps;
    try {
      if (!this.#hasPublishedStart) {
        this.#hasPublishedStart = true;
        await emit({ type: "run.started", data: { ...identity, startedAt, timeoutMs } });
      }
      const progress = context.reported;
      if (progress) {
        context.reported = undefined;
        await emit({ type: "run.progressed", data: { ...identity, ...progress } });
      }
      while (context.lines && !context.lines.isEmpty) {
        await emit({ type: "run.logged", data: { ...identity, lines: context.lines.take() } });
      }
    } catch (error) {
      const fields = { runId: identity.runId, reason: errorMessage(error) };
      logger.warn(fields, "a report of a run was not published");
    }
  }
}

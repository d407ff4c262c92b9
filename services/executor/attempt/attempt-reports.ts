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

/** What a long attempt says before its end: that it began, how far it is, what it logs; in this order, one at a time. */
export class AttemptReports {
  private readonly deps: AttemptReportsDeps;
  private isAnnounced = false;
  private sending: Promise<void> | undefined;

  constructor(deps: AttemptReportsDeps) {
    this.deps = deps;
  }

  get isSending(): boolean {
    return this.sending !== undefined;
  }

  /** Sends what there is to say, unless the last report is still on its way. Never rejects. */
  send(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  /** Sends everything that is left. */
  async finish(): Promise<void> {
    await this.sending;
    await this.send();
  }

  /** A report that the bus will not take is left out: the run goes on. */
  private async sendAll(): Promise<void> {
    const { identity, startedAt, timeoutMs, context, emit, logger } = this.deps;
    try {
      if (!this.isAnnounced) {
        this.isAnnounced = true;
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
      logger.warn(
        { runId: identity.runId, reason: errorMessage(error) },
        "a report of a run was not published",
      );
    }
  }
}

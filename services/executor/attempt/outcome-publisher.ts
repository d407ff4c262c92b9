import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import {
  AppError,
  type AppErrorOptions,
  errorMessage,
  errorType,
  isRetryable,
} from "../../../shared/errors.ts";
import { type AttemptIdentity, type AttemptSpan, endEvent } from "./attempt-events.ts";
import type { AttemptReports } from "./attempt-reports.ts";
import { type Outcome, thrown } from "./outcome.ts";
import type { RunContext } from "./run-context.ts";

/** An attempt whose outcome is decided. Exactly one of its two methods is called. */
export interface EndedAttempt {
  readonly due: DomainEnvelope<"task.due">;
  readonly identity: AttemptIdentity;
  readonly span: AttemptSpan;
  readonly outcome: Outcome;
  readonly context: RunContext | undefined;
  /** Reports to be published before the outcome, because its event cannot contain them. */
  readonly reports: AttemptReports | undefined;
  /** The bus has accepted the outcome. */
  accepted(): void;
  /** The outcome was not published. */
  failed(error: unknown): void;
}

type Emit = (event: RunEvent, cause: DomainEnvelope<"task.due">) => Promise<void>;

/**
 * Publishes outcomes after the current turn of the event loop: when a thousand runs share an instant, each outcome
 * published between two starts would delay all later starts.
 */
export class OutcomePublisher {
  readonly #emit: Emit;
  #waiting: EndedAttempt[] = [];

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  publish(ended: EndedAttempt): void {
    if (this.#waiting.push(ended) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const ended of waiting) this.#publishNow(ended);
  }

  #publishNow(ended: EndedAttempt): void {
    const { reports, outcome } = ended;
    const published = reports
      ? reports.finish().then(() => this.#emitEnd(ended, outcome))
      : this.#emitEnd(ended, outcome);
    published.then(
      () => ended.accepted(),
      (error: unknown) => this.#rejected(ended, error),
    );
  }

  #emitEnd({ due, identity, span, context }: EndedAttempt, outcome: Outcome): Promise<void> {
    const lines = context?.lines?.take() ?? [];
    const { retry } = due.data;
    return this.#emit(endEvent(identity, { ...span, lines }, { outcome, retry }), due);
  }

  /** An outcome that the bus will never accept is replaced by a failure, so that the run is not executed again. */
  #rejected(ended: EndedAttempt, error: unknown): void {
    if (isRetryable(error)) {
      ended.failed(error);
      return;
    }
    this.#emitEnd(ended, thrown(new OutcomeRejected(error))).then(
      () => ended.accepted(),
      (cause: unknown) => ended.failed(cause),
    );
  }
}

class OutcomeRejected extends AppError {
  constructor(cause: unknown) {
    const type = errorType(cause) ?? "OUTCOME_REFUSED";
    const options = { type, retryable: false, cause } as AppErrorOptions;
    super(`The run's outcome could not be sent: ${errorMessage(cause)}`, options);
  }
}

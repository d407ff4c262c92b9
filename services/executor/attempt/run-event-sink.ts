import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, Requeue } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import { causedBy, seal } from "../../../shared/envelope.ts";
import { errorMessage, isRetryable } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";

/** Publishes the events of an executor's runs. */
export interface RunEventSink {
  /**
   * Resolves when the bus has accepted the event. Retryable errors are retried as long as this process lives, so that
   * no outcome is lost.
   * @throws `REQUEUE` after the sink was closed; the bus's error for an event that it will never accept
   */
  emit(event: RunEvent, cause: DomainEnvelope<"task.due">): Promise<void>;
  /** Rejects all events that were not accepted: their runs are to be requeued. */
  close(): void;
}

export interface RunEventSinkDeps {
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly logger: Log;
}

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5000;
const WARN_EVERY = 10;

export function runEventSink(deps: RunEventSinkDeps): RunEventSink {
  return new BusRunEventSink(deps);
}

class BusRunEventSink implements RunEventSink {
  readonly #deps: RunEventSinkDeps;
  readonly #closing = new AbortController();
  readonly #pending = new Set<(reason: Requeue) => void>();

  constructor(deps: RunEventSinkDeps) {
    this.#deps = deps;
  }

  async emit(event: RunEvent, cause: DomainEnvelope<"task.due">): Promise<void> {
    const subject = `run-${event.data.runId}`;
    const envelope = seal(event, { subject, now: this.#deps.clock.now(), cause: causedBy(cause) });
    for (let attempts = 0; ; attempts++) {
      try {
        return await this.#sendUnlessClosed(envelope);
      } catch (error) {
        if (this.#closing.signal.aborted || !isRetryable(error)) throw error;
        if (attempts % WARN_EVERY === 0) this.#warn(envelope, error);
        await this.#backOff(attempts);
      }
    }
  }

  close(): void {
    this.#closing.abort();
    for (const reject of this.#pending) reject(closed());
  }

  #sendUnlessClosed(envelope: DomainEnvelope): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) return reject(closed());
      const sent = this.#deps.bus.send(envelope);
      this.#pending.add(reject);
      sent.then(
        () => {
          this.#pending.delete(reject);
          resolve();
        },
        (error: unknown) => {
          this.#pending.delete(reject);
          reject(error);
        },
      );
    });
  }

  #warn({ type, subject, data }: DomainEnvelope, error: unknown): void {
    const { runId } = data as RunEvent["data"];
    const fields = { type, subject, runId, reason: errorMessage(error) };
    this.#deps.logger.warn(fields, "an event of a run cannot be published yet; retrying");
  }

  async #backOff(attempts: number): Promise<void> {
    const jitter = 0.75 + Math.random() / 2;
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempts) * jitter;
    await sleep(backoffMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

const closed = () => new Requeue("the executor stopped before the bus accepted the run's outcome");

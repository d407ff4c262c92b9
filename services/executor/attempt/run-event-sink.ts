import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, Requeue } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import { causedBy, seal } from "../../../shared/envelope.ts";
import { errorMessage, isRetryable } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";

/** Where an executor says what happens to its runs. */
export interface RunEventSink {
  /**
   * Resolves when the bus has accepted the event. A bus that refuses for now is asked again for as long as this
   * process lives, so no outcome is given up. Errors: `REQUEUE` once the sink is closed; what the bus answers for
   * an event it will never take.
   */
  emit(event: RunEvent, cause: DomainEnvelope<"task.due">): Promise<void>;
  /** Gives up what was not accepted: its run is to be handed back. */
  close(): void;
}

export interface RunEventSinkDeps {
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly logger: Log;
}

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5000;

export function runEventSink({ bus, clock, logger }: RunEventSinkDeps): RunEventSink {
  const closing = new AbortController();
  const waiting = new Set<(reason: Requeue) => void>();
  const closed = () => new Requeue("the executor stopped before the bus accepted the run's outcome");

  const sendUnlessClosed = (envelope: DomainEnvelope): Promise<void> =>
    new Promise((resolve, reject) => {
      if (closing.signal.aborted) return reject(closed());
      const sent = bus.send(envelope);
      waiting.add(reject);
      sent.then(
        () => {
          waiting.delete(reject);
          resolve();
        },
        (error: unknown) => {
          waiting.delete(reject);
          reject(error);
        },
      );
    });

  const emit: RunEventSink["emit"] = async (event, cause) => {
    const subject = `run-${event.data.runId}`;
    const envelope = seal(event, { subject, now: clock.now(), cause: causedBy(cause) });
    for (let tries = 0; ; tries++) {
      try {
        return await sendUnlessClosed(envelope);
      } catch (error) {
        if (closing.signal.aborted || !isRetryable(error)) throw error;
        if (tries % 10 === 0) {
          const { type, subject } = envelope;
          logger.warn({ type, subject, reason: errorMessage(error) }, "an event of a run has to wait");
        }
        const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** tries) * (0.75 + Math.random() / 2);
        await sleep(backoff, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };

  return {
    emit,
    close() {
      closing.abort();
      for (const reject of waiting) reject(closed());
    },
  };
}

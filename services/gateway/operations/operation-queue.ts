import type { Bus } from "../../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { errorMessage, errorType, isRetryable } from "../../../shared/errors.ts";
import { Fifo } from "../../../shared/fifo.ts";
import type { Log } from "../../../shared/log.ts";

export type OperationEnvelope = DomainEnvelope<"operation.recorded">;

export interface OperationQueueOptions {
  readonly bus: Pick<Bus, "send">;
  readonly log: Log;
  /** Operations in the queue from which on it has no room; default 10,000. */
  readonly limit?: number;
  /** Pause before an operation that the bus has not accepted is sent again, in milliseconds; default 500. */
  readonly retryMs?: number;
}

/** Sends operations to the bus, again and again until it accepts them. */
export interface OperationQueue {
  /** False while so many operations wait that no further request may change anything. */
  hasRoom(): boolean;
  /** Counts and logs a request that was rejected because there is no room. */
  rejected(): void;
  add(operation: OperationEnvelope): void;
  /** Resolves when the bus has accepted all operations, or after the limit (ms): then it logs how many are lost. */
  stop(limitMs: number): Promise<void>;
}

const LIMIT = 10_000;
const RETRY_MS = 500;
/** Operations that are being sent at the same time. */
const WINDOW = 1000;

export function operationQueue(options: OperationQueueOptions): OperationQueue {
  const { bus, log, limit = LIMIT, retryMs = RETRY_MS } = options;
  const waiting = new Fifo<OperationEnvelope>();
  const refused: OperationEnvelope[] = [];
  let sending = 0;
  let rejections = 0;
  let retry: NodeJS.Timeout | undefined;
  const emptyWaiters = new Set<() => void>();
  const size = () => waiting.size + refused.length + sending;

  function pump(): void {
    while (sending < WINDOW && retry === undefined) {
      const operation = waiting.shift();
      if (!operation) return;
      sending += 1;
      void send(operation);
    }
  }

  async function send(operation: OperationEnvelope): Promise<void> {
    // The event is the same each time, and its receivers recognise it by its id.
    try {
      await bus.send(operation, { resent: sent.has(operation) });
    } catch (error) {
      if (isRetryable(error)) refuse(operation, error);
      else
        log.error(
          { type: errorType(error), reason: errorMessage(error), operation: operation.data.operation },
          "an operation cannot be recorded",
        );
    }
    sending -= 1;
    pump();
    if (size() === 0) for (const resolve of emptyWaiters) resolve();
    if (rejections > 0 && hasRoom()) {
      log.warn({ rejected: rejections }, "operations can be recorded again");
      rejections = 0;
    }
  }
  const sent = new WeakSet<OperationEnvelope>();

  function refuse(operation: OperationEnvelope, error: unknown): void {
    sent.add(operation);
    refused.push(operation);
    if (retry !== undefined) return;
    log.warn(
      { type: errorType(error), reason: errorMessage(error), waiting: size() },
      "operations wait for the bus",
    );
    retry = setTimeout(() => {
      retry = undefined;
      waiting.putFirst(refused.splice(0));
      pump();
    }, retryMs);
  }

  function hasRoom(): boolean {
    return size() < limit;
  }

  return {
    hasRoom,
    rejected() {
      rejections += 1;
      if (rejections === 1)
        log.error({ limit }, "requests are rejected, since operations cannot be recorded");
    },
    add(operation) {
      waiting.push(operation);
      pump();
    },
    async stop(limitMs) {
      if (size() > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        emptyWaiters.add(resolve);
        const timer = setTimeout(resolve, limitMs);
        await promise;
        clearTimeout(timer);
      }
      clearTimeout(retry);
      if (size() > 0)
        log.error({ operations: size() }, "the bus did not accept these operations before the stop");
    },
  };
}

import { errorType, isRetryable } from "../../errors.ts";

/** What a handler's error means for the events of its batch. */
export type Disposition = "requeue" | "retry" | "fail";

export function dispositionOf(error: unknown): Disposition {
  if (errorType(error) === "REQUEUE") return "requeue";
  return isRetryable(error) ? "retry" : "fail";
}

export interface BatchDelivery<T> {
  handle(items: readonly T[]): unknown;
  /** Waits before the next attempt, given the number of attempts so far; returns false if there must be none. */
  waitToRetry(attempts: number, error: unknown): Promise<boolean>;
  handled(items: readonly T[]): void;
  requeued(items: readonly T[]): void;
  /** One item failed on its own with an error that is not retryable. */
  failed(item: T, error: unknown): void;
}

/**
 * Delivers a batch and reports the result of each item exactly once, as soon as it is known. After a retryable error
 * the batch is retried whole; after any other error it is halved, first half first, until the failing items are found.
 */
export async function deliverBatch<T>(items: readonly T[], delivery: BatchDelivery<T>): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      await delivery.handle(items);
      return delivery.handled(items);
    } catch (error) {
      const disposition = dispositionOf(error);
      if (disposition === "fail") return bisect(items, error, delivery);
      if (disposition === "requeue" || !(await delivery.waitToRetry(attempts, error)))
        return delivery.requeued(items);
    }
  }
}

async function bisect<T>(items: readonly T[], error: unknown, delivery: BatchDelivery<T>): Promise<void> {
  const [only] = items;
  if (items.length === 1) return delivery.failed(only as T, error);
  const middle = Math.ceil(items.length / 2);
  await deliverBatch(items.slice(0, middle), delivery);
  await deliverBatch(items.slice(middle), delivery);
}

import { errorType, isRetryable } from "../../errors.ts";

/** What a failed handling means for the events it was about. */
export type Disposition = "requeue" | "retry" | "fail";

export function dispositionOf(error: unknown): Disposition {
  if (errorType(error) === "REQUEUE") return "requeue";
  return isRetryable(error) ? "retry" : "fail";
}

export interface BatchDelivery<T> {
  handle(items: readonly T[]): unknown;
  /** Waits before the next try, given the number of tries so far; false when there shall be none. */
  pause(tries: number, error: unknown): Promise<boolean>;
  handled(items: readonly T[]): void;
  requeued(items: readonly T[]): void;
  /** One item failed alone, for a reason of its own. */
  failed(item: T, error: unknown): void;
}

/**
 * Handles a batch and reports each item's outcome exactly once, as soon as it is known. A retryable error repeats the
 * batch as it is; any other error halves it, first half first, until the items that fail alone are found.
 */
export async function deliverBatch<T>(items: readonly T[], port: BatchDelivery<T>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await port.handle(items);
      return port.handled(items);
    } catch (error) {
      const disposition = dispositionOf(error);
      if (disposition === "fail") return fail(items, error, port);
      if (disposition === "requeue" || !(await port.pause(tries, error))) return port.requeued(items);
    }
  }
}

async function fail<T>(items: readonly T[], error: unknown, port: BatchDelivery<T>): Promise<void> {
  const [only] = items;
  if (items.length === 1) return port.failed(only as T, error);
  const middle = Math.ceil(items.length / 2);
  await deliverBatch(items.slice(0, middle), port);
  await deliverBatch(items.slice(middle), port);
}

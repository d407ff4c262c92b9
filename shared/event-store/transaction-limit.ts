import { withTimeLimit } from "../time-limit.ts";
import { OutcomePending } from "./event-store.ts";

/**
 * Resolves like the transaction, or rejects with `OutcomePending` after `limitMs`, when it has called `onLate`. The
 * transaction continues.
 */
export function limitTransaction<T>(outcome: Promise<T>, limitMs: number, onLate: () => void): Promise<T> {
  return withTimeLimit(outcome, limitMs, () => {
    onLate();
    const ended = outcome.then(
      () => undefined,
      () => undefined,
    );
    return new OutcomePending(limitMs, ended);
  });
}

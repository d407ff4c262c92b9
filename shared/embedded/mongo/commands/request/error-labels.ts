import type { CommandFault } from "../../bson/fault.ts";

/** How a command was sent, which decides the labels of its errors. */
export interface Situation {
  readonly name: string;
  readonly inTransaction: boolean;
  /** A retryable write or the end of a transaction: a driver may send it again. */
  readonly isRetryable: boolean;
}

/** Errors of a primary that shuts down or is overloaded: a retry may succeed. */
export const RETRYABLE_CODES: ReadonlySet<number> = new Set([
  6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** Errors after which a whole transaction may be retried. */
const TRANSIENT_CODES: ReadonlySet<number> = new Set([24, 112, 133, 246, 251, 267]);

/** Returns the labels by which drivers decide whether to retry. */
export function labelsFor(
  { code, labels }: CommandFault,
  { name, inTransaction, isRetryable }: Situation,
): string[] {
  const result = [...labels];
  const add = (label: string) => {
    if (!result.includes(label)) result.push(label);
  };
  const ends = name === "commitTransaction" || name === "abortTransaction";
  if (isRetryable && RETRYABLE_CODES.has(code)) add("RetryableWriteError");
  // After a retryable error the outcome of a commit is unknown: only the commit itself may be retried.
  const isTransient = TRANSIENT_CODES.has(code) || (!ends && RETRYABLE_CODES.has(code));
  if (inTransaction && isTransient) add("TransientTransactionError");
  return result;
}

import { errorType, isRetryable } from "../errors.ts";

/**
 * What happens to a batch that could not be committed:
 * `retry` – load and decide it again;
 * `split` – handle its items one by one, so that one cannot hold up the others;
 * `drop-appends` – reject the items that may append events, and handle the others again;
 * `reject` – reject all items.
 */
export type FailureDisposition = "retry" | "split" | "drop-appends" | "reject";

/** The deadline of a command passed while its transaction was repeated: the batch is decided again, without it. */
export class DeadlinePassed extends Error {}

/** Another writer of the same streams wins this often at most before the batch is split. */
export const CONFLICT_TRIES = 5;

/** Decides by the error and by what has been tried: `tries` counts from 1, `items` is the size of the batch. */
export function dispositionOf(
  error: unknown,
  { tries, items }: { readonly tries: number; readonly items: number },
): FailureDisposition {
  if (error instanceof DeadlinePassed) return "retry";
  const type = errorType(error);
  if (type === "OUTBOX_FULL") return "drop-appends";
  const isConflict = type === "STREAM_CONFLICT";
  if (isConflict && tries < CONFLICT_TRIES) return "retry";
  return items > 1 && (isConflict || !isRetryable(error)) ? "split" : "reject";
}

import { MongoError, MongoServerError } from "mongodb";
import { StoreUnavailable, StreamConflict } from "./event-store.ts";

const DUPLICATE_KEY = 11_000;

/** What a server says that stops, or that is no longer the primary. */
const AWAY = new Set<unknown>([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436]);

const OUTAGES = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoOperationTimeoutError",
  "MongoPoolClearedError",
  "MongoPoolClearedOnNetworkError",
  "MongoWaitQueueTimeoutError",
  "MongoNotConnectedError",
  "MongoClientClosedError",
  "MongoTopologyClosedError",
  "MongoServerClosedError",
  "MongoPoolClosedError",
]);

/** Errors of the driver become ours: `STREAM_CONFLICT`, `STORE_UNAVAILABLE`. Any other passes through as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return new StreamConflict(error);
  // Before the next line: a connection that broke within a transaction carries its label as well.
  if (isOutage(error)) return new StoreUnavailable(error);
  if (error.hasErrorLabel("TransientTransactionError")) return new StreamConflict(error);
  return error;
}

/**
 * The answer of a read outside of transactions, with its error as ours. Within one the driver has to see its own:
 * their labels say what may be repeated.
 */
export async function withStoreErrors<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** A commit whose answer was lost: it may have been carried out. */
export function mayHaveCommitted(error: unknown): boolean {
  return (
    error instanceof MongoError && (error.hasErrorLabel("UnknownTransactionCommitResult") || isOutage(error))
  );
}

function isOutage(error: MongoError): boolean {
  // A bulk write wraps what ended it, and hides its class and labels.
  if (error instanceof MongoServerError && error.errorResponse instanceof MongoError)
    return isOutage(error.errorResponse);
  return OUTAGES.has(error.name) || AWAY.has(error.code) || error.hasErrorLabel("RetryableWriteError");
}

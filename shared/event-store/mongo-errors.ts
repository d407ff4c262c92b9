import { MongoError, MongoServerError } from "mongodb";
import { StoreUnavailable, StreamConflict } from "./event-store.ts";

const DUPLICATE_KEY = 11_000;

/** Codes of a server that is stopping, or is no longer the primary. */
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

/** Translates errors of the driver into `STREAM_CONFLICT` and `STORE_UNAVAILABLE`. Returns any other error as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return new StreamConflict(error);
  // Before the next line: a connection that broke within a transaction has its label as well.
  if (isOutage(error)) return new StoreUnavailable(error);
  if (error.hasErrorLabel("TransientTransactionError")) return new StreamConflict(error);
  return error;
}

/**
 * Translates the error of a read outside of transactions. Within a transaction the driver needs its own errors: their
 * labels state what may be repeated.
 */
export async function withStoreErrors<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** True if the response to a commit was lost, so that the commit may have succeeded. */
export function mayHaveCommitted(error: unknown): boolean {
  return (
    error instanceof MongoError && (error.hasErrorLabel("UnknownTransactionCommitResult") || isOutage(error))
  );
}

function isOutage(error: MongoError): boolean {
  // A bulk write wraps the error that ended it, and hides its class and labels.
  if (error instanceof MongoServerError && error.errorResponse instanceof MongoError)
    return isOutage(error.errorResponse);
  return OUTAGES.has(error.name) || AWAY.has(error.code) || error.hasErrorLabel("RetryableWriteError");
}

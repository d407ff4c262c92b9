import { DriverException, OptimisticLockError } from "@mikro-orm/core";
import { StoreUnavailable, StreamConflict } from "./event-store.ts";

const UNIQUE_VIOLATION = "23505";
/** Serialization failure, deadlock, and a lock that was not granted in time. */
const CONFLICTS = new Set(["40001", "40P01", "55P03"]);
/** Classes of SQLSTATE: connection, resources, operator intervention. */
const AWAY = /^(08|53|57)/;
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);
/** Errors of `pg` and its pool without a code. */
const WITHOUT_CODE =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Cannot use a pool after calling end|Client has encountered a connection error)/;
const EVENT_KEYS = /^kinit_(event|command)_/;

/** Translates errors of the driver into `STREAM_CONFLICT` and `STORE_UNAVAILABLE`. Returns any other error as it is. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof OptimisticLockError) return new StreamConflict(error);
  const code = codeOf(error);
  if (code !== undefined && CONFLICTS.has(code)) return new StreamConflict(error);
  if (code === UNIQUE_VIOLATION && EVENT_KEYS.test(constraintOf(error))) return new StreamConflict(error);
  return isOutage(error) ? new StoreUnavailable(error, "PostgreSQL does not respond; try again.") : error;
}

/** Translates the errors of a read outside of transactions. */
export async function withStoreErrors<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** True if the store cannot be reached. During a commit that means that the commit may have succeeded. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return AWAY.test(code) || NETWORK.has(code);
  return error instanceof Error && WITHOUT_CODE.test(driverMessage(error));
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

const constraintOf = (error: unknown): string => String((error as { constraint?: unknown }).constraint ?? "");

/** MikroORM puts the statement in front of the driver's message. */
function driverMessage(error: Error): string {
  const { cause } = error;
  return error instanceof DriverException && cause instanceof Error ? cause.message : error.message;
}

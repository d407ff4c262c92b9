import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import { type StorableFault, toStorable } from "../../../shared/contracts/storable.ts";
import { errorMessage, errorType } from "../../../shared/errors.ts";
import {
  cutText,
  ERROR_TYPE_MAX_BYTES,
  MESSAGE_MAX_BYTES,
  RESULT_MAX_BYTES,
  STACK_MAX_BYTES,
} from "./size-limits.ts";

/** How an attempt ended. */
export type Outcome =
  | {
      readonly kind: "succeeded";
      readonly result?: unknown;
      /** A line for the run's log: the parts of the result that are stored as text, and why. */
      readonly warning?: string;
    }
  | {
      readonly kind: "failed";
      readonly error: { readonly type: string; readonly message: string; readonly stack?: string };
      readonly retryable: boolean;
    }
  | { readonly kind: "timed_out"; readonly timeoutMs: number }
  | { readonly kind: "cancelled"; readonly cancellation: Cancellation };

/**
 * Returns the outcome of a handler that returned `value`: the value as plain JSON, or a failure if it is not JSON. A part
 * that cannot be stored is replaced by its JSON text, because the handler has done its work.
 */
export function returned(value: unknown): Outcome {
  switch (typeof value) {
    case "undefined":
      return { kind: "succeeded" };
    case "boolean":
      return { kind: "succeeded", result: value };
    case "number":
      if (Number.isFinite(value)) return { kind: "succeeded", result: value };
      return notSerialisable(`it is ${value}`);
    case "string":
      if (value.length * 6 + 2 <= RESULT_MAX_BYTES) return { kind: "succeeded", result: value };
      return throughJson(value);
    default:
      return value === null ? { kind: "succeeded", result: null } : throughJson(value);
  }
}

function throughJson(value: unknown): Outcome {
  try {
    const json = JSON.stringify(value, rejectUnserialisable);
    const { value: result, faults } = toStorable(JSON.parse(json));
    const bytes = Buffer.byteLength(faults.length === 0 ? json : JSON.stringify(result));
    if (bytes > RESULT_MAX_BYTES)
      return notSerialisable(`it takes ${bytes} bytes as JSON, ${RESULT_MAX_BYTES} are allowed`);
    return { kind: "succeeded", result, ...(faults.length > 0 ? { warning: warningOf(faults) } : undefined) };
  } catch (error) {
    return notSerialisable(error instanceof RangeError ? "it is nested too deep" : safeMessage(error));
  }
}

const SHOWN_FAULTS = 5;

function warningOf(faults: readonly StorableFault[]): string {
  const shown = faults
    .slice(0, SHOWN_FAULTS)
    .map(({ field, fault }) => `${field === "" ? "the result" : field} ${fault}`);
  const rest = faults.length > SHOWN_FAULTS ? `; ${faults.length - SHOWN_FAULTS} more` : "";
  return `Parts of the result are stored as JSON text: ${shown.join("; ")}${rest}`;
}

/** `JSON.stringify` would omit these silently, or fail without naming the field. */
function rejectUnserialisable(key: string, value: unknown): unknown {
  const kind = typeof value;
  if (kind === "function" || kind === "symbol" || kind === "bigint") {
    throw new TypeError(`${key === "" ? "it" : `its field ${key}`} is a ${kind}`);
  }
  return value;
}

function notSerialisable(why: string): Outcome {
  const message = cutText(`The handler's result cannot be recorded as JSON: ${why}`, MESSAGE_MAX_BYTES);
  return { kind: "failed", error: { type: "RESULT_NOT_SERIALISABLE", message }, retryable: false };
}

/** Returns the outcome of a handler that threw anything: an error, null, a string, or an object whose properties throw. */
export function thrown(error: unknown): Outcome {
  try {
    const { name, stack } = (error ?? {}) as { name?: unknown; stack?: unknown };
    const type = errorType(error) ?? (typeof name === "string" && name !== "" ? name : "NOT_AN_ERROR");
    const text = {
      type: cutText(type, ERROR_TYPE_MAX_BYTES),
      message: cutText(messageOf(error), MESSAGE_MAX_BYTES),
    };
    const withStack = typeof stack === "string" ? { ...text, stack: cutText(stack, STACK_MAX_BYTES) } : text;
    return { kind: "failed", error: withStack, retryable: mayBeRetried(error) };
  } catch {
    const message = "The handler threw an object that cannot be read";
    return { kind: "failed", error: { type: "NOT_AN_ERROR", message }, retryable: false };
  }
}

/** Only an error that excludes it is not retried: most libraries' errors do not state whether a retry may help. */
function mayBeRetried(error: unknown): boolean {
  return (error as { retryable?: unknown } | null | undefined)?.retryable !== false;
}

function messageOf(error: unknown): string {
  if (error === null || error === undefined) return `The handler threw ${error}`;
  const { message } = error as { message?: unknown };
  return typeof message === "string" ? message : errorMessage(error);
}

function safeMessage(error: unknown): string {
  try {
    return messageOf(error);
  } catch {
    return "its toJSON failed";
  }
}

import { errorMessage, errorType, isRetryable } from "../../shared/errors.ts";
import { cutText } from "./cut-text.ts";

/** How an attempt ended, before it is an event. */
export type Outcome =
  | { readonly kind: "succeeded"; readonly result?: unknown }
  | {
      readonly kind: "failed";
      readonly error: { readonly type: string; readonly message: string; readonly stack?: string };
      readonly retryable: boolean;
    }
  | { readonly kind: "timed_out"; readonly timeoutMs: number };

/**
 * Bytes of a result as JSON. A bus message may hold 1 MiB; the rest is for the log, whose 64 KiB can grow sixfold
 * when control characters are escaped.
 */
export const RESULT_MAX_BYTES = 524_288;
export const STACK_MAX_BYTES = 16_384;
export const MESSAGE_MAX_BYTES = 8192;

/** What a handler returned, as the plain JSON it is recorded as; a failure where JSON cannot say it. */
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
    const json = JSON.stringify(value, refuse);
    const bytes = Buffer.byteLength(json);
    if (bytes <= RESULT_MAX_BYTES) return { kind: "succeeded", result: JSON.parse(json) };
    return notSerialisable(`it takes ${bytes} bytes as JSON, ${RESULT_MAX_BYTES} are allowed`);
  } catch (error) {
    return notSerialisable(safeMessage(error));
  }
}

/** `JSON.stringify` would leave these out without a word, or fail without saying where. */
function refuse(key: string, value: unknown): unknown {
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

/** What a handler threw, whatever it is: also null, a string, or an object whose properties throw in turn. */
export function thrown(error: unknown): Outcome {
  try {
    const { name, stack } = (error ?? {}) as { name?: unknown; stack?: unknown };
    const type = errorType(error) ?? (typeof name === "string" && name !== "" ? name : "NOT_AN_ERROR");
    const text = { type: cutText(type, 255), message: cutText(messageOf(error), MESSAGE_MAX_BYTES) };
    const withStack = typeof stack === "string" ? { ...text, stack: cutText(stack, STACK_MAX_BYTES) } : text;
    return { kind: "failed", error: withStack, retryable: isRetryable(error) };
  } catch {
    const message = "The handler threw an object that cannot be read";
    return { kind: "failed", error: { type: "NOT_AN_ERROR", message }, retryable: false };
  }
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

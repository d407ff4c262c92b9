/** Why a handler does not accept its params. Clients read the text that the gateway has for each. */
export const PARAM_REASONS = [
  "MISSING",
  "NULL",
  "EMPTY",
  "TOO_SHORT",
  "TOO_LONG",
  "WRONG_FORM",
  "TOO_SMALL",
  "TOO_LARGE",
  "HAS_FRACTION",
  "NOT_FINITE",
  "TOO_MANY_ITEMS",
  "NOT_ALLOWED",
  "WRONG_KIND",
  "UNKNOWN_FIELD",
  // What no store can hold
  "NESTED_TOO_DEEP",
  "RESERVED_KEY",
  "NUL_IN_KEY",
  "KEY_NOT_UNICODE",
  "REFERENCE",
  // Rules of the built-in handlers
  "URL_INVALID",
  "HEADER_INVALID",
  "HEADER_RESERVED",
  "BODY_AND_JSON",
  "BODY_NOT_POSSIBLE",
  "ACTION_NOT_ALLOWED",
] as const;
export type ParamReason = (typeof PARAM_REASONS)[number];

/** One thing that is wrong with a handler's params; never the value itself. */
export interface ParamFault {
  /** Path of the field: `url`, `rows[2].title`; empty for the params as a whole. */
  readonly field: string;
  /** Left out for the rules that only a handler knows: then clients read `fault` and `expected`. */
  readonly reason?: ParamReason;
  /** Reads after the field: `is missing`. */
  readonly fault: string;
  /** What would be right: `a whole number from 1 to 9`. */
  readonly expected: string;
  /** The rule of the contract that is broken, as plain JSON. */
  readonly rule?: unknown;
}

const AVAILABLE = "; available: ";

/** The text of `HANDLER_UNKNOWN`. Records store it, so that the gateway can list the handlers in another language. */
export function handlerUnknownText(name: string, known: readonly string[]): string {
  return `No handler is named ${name}${AVAILABLE}${known.join(", ")}`;
}

/** The handlers that a text of `handlerUnknownText` lists; null for other texts. */
export function handlersIn(text: string): readonly string[] | null {
  const at = text.lastIndexOf(AVAILABLE);
  return at < 0 ? null : text.slice(at + AVAILABLE.length).split(", ");
}

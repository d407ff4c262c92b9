import { type FieldError, isRecord } from "./wire-validation.ts";

/** Deeper JSON is refused: the store takes 100 levels, and code that walks it must not run out of stack. */
export const DEEPEST_JSON = 64;

/** A JSON value, or why there is none; the fault's `field` is empty where the text as a whole is at fault. */
export type ParsedJson = { readonly value: unknown } | { readonly fault: FieldError };
export type ParsedObject =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly fault: FieldError };

export const NOT_JSON: FieldError = { field: "", message: "JSON decode error", expected: "JSON" };
const TOO_DEEP: FieldError = {
  field: "",
  message: `Value error, JSON 嵌套过深，最多 ${DEEPEST_JSON} 层`,
  expected: `JSON of at most ${DEEPEST_JSON} levels`,
};

/**
 * The value of a JSON text. Refuses what is nested deeper than {@link DEEPEST_JSON}, and numbers that would become
 * others: integers beyond 2^53, and what is beyond all doubles.
 */
export function parseJson(text: string): ParsedJson {
  if (isTooDeep(text)) return { fault: TOO_DEEP };
  try {
    return MAY_BE_INEXACT.test(text) ? parseExactly(text) : { value: JSON.parse(text) };
  } catch {
    return { fault: NOT_JSON };
  }
}

/** The object that a JSON text holds. */
export function parseJsonObject(text: string): ParsedObject {
  const parsed = parseJson(text);
  if ("fault" in parsed) return parsed;
  return isRecord(parsed.value) ? { value: parsed.value } : { fault: NOT_JSON };
}

/** Sixteen digits or an exponent; most texts have neither and need no second look. */
const MAY_BE_INEXACT = /\d{16}|\de/i;
const INEXACT = Symbol("a number that a double does not hold");

function parseExactly(text: string): ParsedJson {
  const value: unknown = JSON.parse(text, markInexact as Parameters<typeof JSON.parse>[1]);
  const field = fieldOfInexact(value, "");
  if (field === undefined) return { value };
  const message = "Value error, 数值超出可精确表示的范围（±(2^53-1)），请改为字符串";
  return { fault: { field, message, expected: "integer within ±(2^53-1), or a string" } };
}

function markInexact(_: string, value: unknown, { source = "" }: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const isInteger = /^-?\d+$/.test(source);
  return Number.isFinite(value) && (!isInteger || Number.isSafeInteger(value)) ? value : INEXACT;
}

function fieldOfInexact(value: unknown, path: string): string | undefined {
  if (value === INEXACT) return path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const below = Array.isArray(value) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    const found = fieldOfInexact(inner, below);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Counts brackets outside strings; looks at the text, because parsing millions of levels costs memory first. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isInString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) isInString = false;
    } else if (unit === 0x22) isInString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > DEEPEST_JSON) return true;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return false;
}

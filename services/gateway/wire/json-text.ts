import { randomUUID } from "node:crypto";
import { isJsonObject } from "../../../shared/contracts/json-object.ts";
import { inputFaults, jsonTooDeep } from "../texts/messages.ts";
import type { FieldFault } from "./wire-validation.ts";

/** Deeper JSON is rejected: the store accepts 100 levels, and recursive code must not run out of stack. */
export const MAX_JSON_DEPTH = 64;

/** A JSON value, or its fault, with an empty `field` where the text as a whole is wrong. */
export type ParsedJson = { readonly value: unknown } | { readonly fault: FieldFault };
export type ParsedObject =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly fault: FieldFault };

export const NOT_JSON: FieldFault = { field: "", message: "JSON decode error", expected: "JSON" };
const TOO_DEEP: FieldFault = {
  field: "",
  message: jsonTooDeep(MAX_JSON_DEPTH),
  expected: `JSON of at most ${MAX_JSON_DEPTH} levels`,
};

/**
 * The value of a JSON text. Rejects JSON nested deeper than {@link MAX_JSON_DEPTH}, and numbers that would change: integers
 * beyond 2^53, and numbers beyond the range of doubles.
 */
export function parseJson(text: string): ParsedJson {
  const { isTooDeep, inexact } = scan(text);
  if (isTooDeep) return { fault: TOO_DEEP };
  try {
    if (inexact) return { fault: inexactNumber(text, inexact) };
    return { value: JSON.parse(text) };
  } catch {
    return { fault: NOT_JSON };
  }
}

/** The object of a JSON text. */
export function parseJsonObject(text: string): ParsedObject {
  const parsed = parseJson(text);
  if ("fault" in parsed) return parsed;
  return isJsonObject(parsed.value) ? { value: parsed.value } : { fault: NOT_JSON };
}

/** The position of a number in a text. */
interface Span {
  readonly from: number;
  readonly to: number;
}
interface Scan {
  readonly isTooDeep: boolean;
  /** The first number that a double cannot represent. */
  readonly inexact?: Span;
}

/**
 * Reads brackets and numbers outside of strings. It reads the text, because parsing millions of levels needs memory first,
 * and parsing loses the digits of a number.
 */
function scan(text: string): Scan {
  let depth = 0;
  let isInString = false;
  let inexact: Span | undefined;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isInString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) isInString = false;
    } else if (unit === 0x22) isInString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return { isTooDeep: true };
    } else if (unit === 0x7d || unit === 0x5d) depth--;
    else if (isDigit(unit)) {
      const from = text.charCodeAt(at - 1) === 0x2d ? at - 1 : at;
      const to = endOfNumber(text, at);
      if (!inexact && !isExact(text, { from, to })) inexact = { from, to };
      at = to - 1;
    }
  }
  return { isTooDeep: false, ...(inexact && { inexact }) };
}

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

function endOfNumber(text: string, from: number): number {
  let at = from;
  // Digits, and any of `.eE+-`; the parser rejects what JSON does not allow of these.
  for (let unit = text.charCodeAt(at); isDigit(unit) || NUMBER_SIGNS.has(unit); unit = text.charCodeAt(at))
    at++;
  return at;
}
const NUMBER_SIGNS = new Set([...".eE+-"].map((sign) => sign.charCodeAt(0)));
/** Integers with fewer digits are below 2^53, and shorter numbers without an exponent are within the range of doubles. */
const EXACT_DIGITS = 15;
/** As in `1e9`. */
const SHORTEST_EXPONENT = 3;

function isExact(text: string, { from, to }: Span): boolean {
  if (to - from < SHORTEST_EXPONENT) return true;
  const source = text.slice(from, to);
  if (source.length <= EXACT_DIGITS && !/e/i.test(source)) return true;
  const value = Number(source);
  // The parser rejects what is not a number.
  if (Number.isNaN(value)) return true;
  return Number.isFinite(value) && (/[.e]/i.test(source) || Number.isSafeInteger(value));
}

/** The fault of an inexact number. Its field is found by parsing the text with a marker in place of the number. */
function inexactNumber(text: string, { from, to }: Span): FieldFault {
  const mark = `inexact ${randomUUID()}`;
  const marked: unknown = JSON.parse(`${text.slice(0, from)}"${mark}"${text.slice(to)}`);
  return {
    field: fieldOf(mark, marked, "") ?? "",
    message: inputFaults.numberNotExact,
    expected: "integer within ±(2^53-1), or a string",
  };
}

function fieldOf(mark: string, value: unknown, path: string): string | undefined {
  if (value === mark) return path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== mark && typeof inner !== "object") continue;
    const below = Array.isArray(value) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    const found = fieldOf(mark, inner, below);
    if (found !== undefined) return found;
  }
  return undefined;
}

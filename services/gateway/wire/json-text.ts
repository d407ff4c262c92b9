import { randomUUID } from "node:crypto";
import { inputFaults, jsonTooDeep } from "../texts/messages.ts";
import { type FieldFault, isRecord } from "./wire-validation.ts";

/** Deeper JSON is refused: the store takes 100 levels, and code that walks it must not run out of stack. */
export const DEEPEST_JSON = 64;

/** A JSON value, or why there is none; the fault's `field` is empty where the text as a whole is at fault. */
export type ParsedJson = { readonly value: unknown } | { readonly fault: FieldFault };
export type ParsedObject =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly fault: FieldFault };

export const NOT_JSON: FieldFault = { field: "", message: "JSON decode error", expected: "JSON" };
const TOO_DEEP: FieldFault = {
  field: "",
  message: jsonTooDeep(DEEPEST_JSON),
  expected: `JSON of at most ${DEEPEST_JSON} levels`,
};

/**
 * The value of a JSON text. Refuses what is nested deeper than {@link DEEPEST_JSON}, and numbers that would become
 * others: integers beyond 2^53, and what is beyond all doubles.
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

/** The object that a JSON text holds. */
export function parseJsonObject(text: string): ParsedObject {
  const parsed = parseJson(text);
  if ("fault" in parsed) return parsed;
  return isRecord(parsed.value) ? { value: parsed.value } : { fault: NOT_JSON };
}

/** Where a number stands in a text. */
interface Span {
  readonly from: number;
  readonly to: number;
}
interface Scan {
  readonly isTooDeep: boolean;
  /** The first number that a double does not hold. */
  readonly inexact?: Span;
}

/**
 * Looks at brackets and numbers outside of strings. It reads the text itself: parsing millions of levels costs memory
 * first, and parsing leaves nothing of a number's digits.
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
      if (++depth > DEEPEST_JSON) return { isTooDeep: true };
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
  // Digits, and any of `.eE+-`; what JSON does not allow of these is refused by the parser.
  for (let unit = text.charCodeAt(at); isDigit(unit) || NUMBER_SIGNS.has(unit); unit = text.charCodeAt(at))
    at++;
  return at;
}
const NUMBER_SIGNS = new Set([...".eE+-"].map((sign) => sign.charCodeAt(0)));
/** No integer of fewer digits is beyond 2^53, and no number of fewer characters beyond all doubles but for an exponent. */
const EXACT_DIGITS = 15;
/** As in `1e9`. */
const SHORTEST_EXPONENT = 3;

function isExact(text: string, { from, to }: Span): boolean {
  if (to - from < SHORTEST_EXPONENT) return true;
  const source = text.slice(from, to);
  if (source.length <= EXACT_DIGITS && !/e/i.test(source)) return true;
  const value = Number(source);
  // What is no number at all is the parser's to refuse.
  if (Number.isNaN(value)) return true;
  return Number.isFinite(value) && (/[.e]/i.test(source) || Number.isSafeInteger(value));
}

/** The fault of an inexact number, with its field: a mark in its place is parsed and looked for. */
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

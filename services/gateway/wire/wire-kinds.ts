import { IANAZone } from "luxon";
import { isJsonObject } from "../../../shared/contracts/json-object.ts";
import { inputFaults, notAnId } from "../texts/messages.ts";
import { WALL_TIME, wallTime } from "./datetime-wire.ts";
import { NOT_JSON, parseJsonObject } from "./json-text.ts";
import { Faults, fault, type Kind } from "./wire-validation.ts";

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A string, never coerced. `min` and `max` count UTF-16 units, as the services' own check does. */
export function text({ min = 0, max = Number.POSITIVE_INFINITY }: Bounds = {}): Kind<string> {
  const expected = describe("string", "length", { min, max });
  return {
    expected,
    schema: { type: "string", ...finite({ minLength: min || Number.NaN, maxLength: max }) },
    read(value, field) {
      if (typeof value !== "string") return fault(field, "Input should be a valid string", expected);
      if (value.length < min) return fault(field, `String should have at least ${characters(min)}`, expected);
      if (value.length > max) return fault(field, `String should have at most ${characters(max)}`, expected);
      return value;
    },
  };
}

/** A whole number; numeric strings, `3.0` and booleans are accepted, as in pydantic's lax mode. */
export function whole({
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
}: Bounds): Kind<number> {
  const expected = describe("integer", "", { min, max });
  return {
    expected,
    schema: { type: "integer", ...finite({ minimum: min, maximum: max }) },
    read(value, field) {
      const number = asWhole(value);
      if (typeof number === "string") return fault(field, number, expected);
      if (number < min) return fault(field, `Input should be greater than or equal to ${min}`, expected);
      if (number > max) return fault(field, `Input should be less than or equal to ${max}`, expected);
      return number;
    },
  };
}

/** Allows surrounding white space, a sign, single underscores between digits, and zeros after a point. */
const NUMERIC = /^\s*([+-]?\d+(?:_\d+)*)(?:\.0+)?\s*$/;

/** The number, or what is wrong in pydantic's words. */
function asWhole(value: unknown): number | string {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "Input should be a finite number";
    return Number.isInteger(value)
      ? value
      : "Input should be a valid integer, got a number with a fractional part";
  }
  if (typeof value !== "string") return "Input should be a valid integer";
  const digits = NUMERIC.exec(value)?.[1];
  if (digits === undefined) return "Input should be a valid integer, unable to parse string as an integer";
  const number = Number(digits.replaceAll("_", ""));
  return Number.isFinite(number)
    ? number + 0
    : "Unable to parse input string as an integer, exceeded maximum size";
}

const TRUE = new Set(["1", "on", "t", "true", "y", "yes"]);
const FALSE = new Set(["0", "off", "f", "false", "n", "no"]);

/** A boolean; 0, 1 and the usual words in any case are accepted. */
export const flag: Kind<boolean> = {
  expected: "boolean",
  schema: { type: "boolean" },
  read(value, field) {
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    if (typeof value === "string") {
      const word = value.toLowerCase();
      if (TRUE.has(word)) return true;
      if (FALSE.has(word)) return false;
    }
    const isReadable = typeof value === "string" || Number.isInteger(value);
    const message = isReadable
      ? "Input should be a valid boolean, unable to interpret input"
      : "Input should be a valid boolean";
    return fault(field, message, "boolean");
  },
};

/** One of some words, in exactly this spelling. */
export function choice<const V extends string>(values: readonly V[]): Kind<V> {
  const quoted = values.map((value) => `'${value}'`);
  const message = `Input should be ${[quoted.slice(0, -1).join(", "), quoted.at(-1)].filter(Boolean).join(" or ")}`;
  const expected = values.join(" | ");
  return {
    expected,
    schema: { type: "string", enum: values },
    read: (value, field) => values.find((known) => known === value) ?? fault(field, message, expected),
  };
}

/** A JSON object, or a string with one; the Python original accepts any string and fails later. */
export const jsonObject: Kind<Readonly<Record<string, unknown>>> = {
  expected: "object | JSON object string",
  schema: { type: ["object", "string"] },
  read(value, field) {
    if (isJsonObject(value)) return value;
    if (typeof value !== "string") return fault(field, "Input should be a valid string", this.expected);
    const parsed = parseJsonObject(value);
    if ("value" in parsed) return parsed.value;
    if (parsed.fault === NOT_JSON) {
      return fault(field, inputFaults.notAnObject, this.expected);
    }
    const { field: inner, message, expected } = parsed.fault;
    return fault(inner === "" ? field : `${field}.${inner}`, message, expected);
  },
};

/** A wall time `YYYY-MM-DD HH:MM:SS`, see `wallTime`. An array fails as a string, as pydantic's union has it. */
export const datetime: Kind<string> = {
  expected: "YYYY-MM-DD HH:MM:SS",
  schema: { type: "string", pattern: WALL_TIME.source, examples: ["2026-01-05 16:00:00"] },
  read(value, field) {
    const message =
      value === null || Array.isArray(value) ? "Input should be a valid string" : inputFaults.notADatetime;
    return wallTime(value) ?? fault(field, message, this.expected);
  },
};

/** The id of a task or run, returned in lower case. The message names the field, since ids are often the only one. */
export const hexId: Kind<string> = {
  expected: "24 hexadecimal digits",
  schema: { type: "string", pattern: "^[0-9a-fA-F]{24}$", examples: ["66f2a1b00a1b2c3d4e5f6070"] },
  read: (value, field) =>
    typeof value === "string" && /^[0-9a-f]{24}$/i.test(value)
      ? value.toLowerCase()
      : fault(field, notAnId(field), "24 hexadecimal digits"),
};

/** The file of an upload, which is not read into memory; anything that is there is accepted. */
export const uploadedFile: Kind<unknown> = {
  expected: "file in multipart/form-data",
  schema: { type: "string", format: "binary" },
  read: (value) => value,
};

/** The name of an IANA time zone. */
export const timezone: Kind<string> = {
  expected: "IANA time zone such as Asia/Shanghai",
  schema: { type: "string", maxLength: 64, examples: ["Asia/Shanghai"] },
  read(value, field) {
    const name = text({ max: 64 }).read(value, field);
    if (name instanceof Faults || IANAZone.isValidZone(name)) return name;
    return fault(field, inputFaults.notATimezone, this.expected);
  },
};

function characters(count: number): string {
  return count === 1 ? "1 character" : `${count} characters`;
}

function describe(kind: string, measure: string, { min = 0, max = 0 }: Bounds): string {
  const of = measure === "" ? "" : `${measure} `;
  const parts: string[] = [];
  if (Number.isFinite(min) && (min > 0 || measure === "")) parts.push(`${of}>= ${min}`);
  if (Number.isFinite(max)) parts.push(`${of}<= ${max}`);
  return parts.length === 0 ? kind : `${kind}, ${parts.join(", ")}`;
}

/** Returns the limits that are numbers. */
function finite(limits: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => Number.isFinite(limit)));
}

import type { CronDialect } from "../../../shared/contracts/task-definition.ts";
import type { ExpressionFault, ExpressionReason } from "../../../shared/contracts/trigger-faults.ts";
import type { Run } from "./cron-schedule.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";

/** One field of an expression in a dialect. */
export interface FieldSpec {
  readonly syntax: CronDialect;
  readonly part: "second" | "minute" | "hour" | "day" | "month" | "weekday" | "year";
  /** Counted from 1, for users. */
  readonly position: number;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
  /** What is valid, e.g. `0-23`. */
  readonly expected: string;
}

/** One piece of a comma-separated field: `*`, `a`, `a-b`, each with or without `/step`. */
export interface FieldItem {
  readonly text: string;
  /** Null for `*`. */
  readonly first: number | null;
  /** Null if no range is given. */
  readonly last: number | null;
  readonly step: number | null;
  /** True if a value is given by name. */
  readonly named: boolean;
}

export const MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
export const WEEKDAY_NAMES_FROM_SUNDAY = "sun mon tue wed thu fri sat".split(" ");
export const WEEKDAY_NAMES_FROM_MONDAY = "mon tue wed thu fri sat sun".split(" ");

const MAX_LENGTH = 256;
const ITEM = /^(?:(\*)|(\d{1,9}|[a-z]+)(?:-(\d{1,9}|[a-z]+))?)(?:\/(\d{1,9}))?$/i;
const FULL_WIDTH = /[\uFF01-\uFF5E]/;

/** What a reason needs in addition to the field and the invalid piece. */
type FieldReason = {
  [R in ExpressionReason]: ExpressionFault<R> extends { readonly position: number }
    ? { readonly reason: R } & Omit<ExpressionFault<R>, "reason" | "expected" | "part" | "position" | "token">
    : never;
}[ExpressionReason];

/** @throws InvalidTrigger with the field, its invalid piece and the reason */
export function refuseField(
  spec: FieldSpec,
  token: string,
  reason: FieldReason | FieldReason["reason"],
): never {
  const { syntax, part, position, expected } = spec;
  const facts = typeof reason === "string" ? { reason } : reason;
  const fault = { ...facts, part, position, token: clip(token), expected } as ExpressionFault;
  throw new InvalidTrigger({ field: "expression", syntax, ...fault });
}

/** @throws InvalidTrigger for a fault of the whole expression */
export function refuseExpression(syntax: CronDialect, fault: ExpressionFault): never {
  throw new InvalidTrigger({ field: "expression", syntax, ...fault });
}

/** The fields of a dialect, for {@link splitFields} and its errors. */
export interface ExpressionLayout {
  readonly syntax: CronDialect;
  readonly least: number;
  readonly most: number;
  readonly example: string;
}

export function splitFields(expression: string, layout: ExpressionLayout): string[] {
  const { syntax, least, most, example: expected } = layout;
  if (expression.trim() === "") refuseExpression(syntax, { reason: "EXPRESSION_EMPTY", expected });
  if (expression.length > MAX_LENGTH) {
    refuseExpression(syntax, { reason: "EXPRESSION_TOO_LONG", limit: MAX_LENGTH, expected });
  }
  if (FULL_WIDTH.test(expression)) refuseExpression(syntax, { reason: "EXPRESSION_FULL_WIDTH", expected });
  const fields = expression.trim().split(/\s+/);
  if (fields.length < least || fields.length > most) {
    refuseExpression(syntax, { reason: "FIELD_COUNT", least, most, actual: fields.length, expected });
  }
  return fields;
}

/** The parts of a piece, or null if it has none of the general forms. */
export function readItem(text: string, spec: FieldSpec): FieldItem | null {
  const match = ITEM.exec(text);
  if (!match) return null;
  const [, star, first, last, step] = match;
  const isName = (value: string | undefined) => value !== undefined && !/^\d/.test(value);
  return {
    text,
    first: star ? null : fieldValue(first as string, spec, text),
    last: last === undefined ? null : fieldValue(last, spec, text),
    step: step === undefined ? null : Number(step),
    named: isName(first) || isName(last),
  };
}

function fieldValue(value: string, spec: FieldSpec, token: string): number {
  if (/^\d/.test(value)) return Number(value);
  const index = spec.names?.indexOf(value.toLowerCase()) ?? -1;
  if (index < 0) refuseField(spec, token, "FIELD_UNREADABLE");
  return spec.min + index;
}

/** Rejects a value outside the range of the field. */
export function checkRange(value: number, spec: FieldSpec, token: string): void {
  if (value < spec.min || value > spec.max) refuseField(spec, token, "FIELD_OUT_OF_RANGE");
}

/** The values of runs as a mask with one bit per value. */
export function maskOf(runs: readonly Run[], bitOf: (value: number) => number = (value) => value): number {
  let mask = 0;
  for (const { from, to, step } of runs) {
    for (let value = from; value <= to; value += step) mask |= 1 << bitOf(value);
  }
  return mask;
}

/** True if a field has `*` or a step, so that it repeats and does not name times. */
export function isRepeating(text: string): boolean {
  return text.includes("*") || text.includes("/");
}

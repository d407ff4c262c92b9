import type { Run } from "./cron-schedule.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";

/** One field of an expression, as a dialect reads it. */
export interface FieldSpec {
  readonly part: "second" | "minute" | "hour" | "day" | "month" | "weekday" | "year";
  /** Counted from 1, as users do. */
  readonly position: number;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
  /** What a message shows as right, e.g. `0-23`. */
  readonly expected: string;
}

/** One piece of a comma-separated field: `*`, `a`, `a-b`, each with or without `/step`. */
export interface FieldItem {
  readonly text: string;
  /** Null for `*`. */
  readonly first: number | null;
  /** Null where no range is given. */
  readonly last: number | null;
  readonly step: number | null;
  /** True where a value is given by name. */
  readonly named: boolean;
}

export const MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
export const WEEKDAY_NAMES_FROM_SUNDAY = "sun mon tue wed thu fri sat".split(" ");
export const WEEKDAY_NAMES_FROM_MONDAY = "mon tue wed thu fri sat sun".split(" ");

const LONGEST_EXPRESSION = 256;
const ITEM = /^(?:(\*)|(\d{1,9}|[a-z]+)(?:-(\d{1,9}|[a-z]+))?)(?:\/(\d{1,9}))?$/i;
const FULL_WIDTH = /[\uFF01-\uFF5E]/;

/** @throws InvalidTrigger saying which field is wrong and why. */
export function refuseField(spec: FieldSpec, token: string, reason: string): never {
  const message = `无效的 Cron 表达式：第 ${spec.position} 个字段 ${spec.part} 的值 "${clip(token)}" ${reason}`;
  throw new InvalidTrigger(message, {
    field: "expression",
    part: spec.part,
    token: clip(token),
    expected: spec.expected,
  });
}

/** @throws InvalidTrigger for a fault of the whole expression. */
export function refuseExpression(reason: string, expected: string): never {
  throw new InvalidTrigger(`无效的 Cron 表达式：${reason}，例如 ${expected}`, {
    field: "expression",
    expected,
  });
}

/** How a dialect lays out its fields, for {@link splitFields} and its messages. */
export interface ExpressionLayout {
  readonly least: number;
  readonly most: number;
  readonly described: string;
  readonly example: string;
}

export function splitFields(expression: string, layout: ExpressionLayout): string[] {
  const { least, most, described, example } = layout;
  if (expression.trim() === "") refuseExpression("expression 不能为空", example);
  if (expression.length > LONGEST_EXPRESSION) {
    refuseExpression(`长度超过 ${LONGEST_EXPRESSION} 个字符`, example);
  }
  if (FULL_WIDTH.test(expression)) refuseExpression("含有全角字符，请使用半角字符", example);
  const fields = expression.trim().split(/\s+/);
  if (fields.length < least || fields.length > most) {
    const wanted = least === most ? `${least}` : `${least} 或 ${most}`;
    refuseExpression(`应为 ${wanted} 个字段（${described}），实际为 ${fields.length} 个`, example);
  }
  return fields;
}

/** The piece's parts, or null where it is none of the general forms. */
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
  if (index < 0) refuseField(spec, token, `无法识别，应为 ${spec.expected}`);
  return spec.min + index;
}

/** Refuses a value outside the field's range. */
export function checkRange(value: number, spec: FieldSpec, token: string): void {
  if (value < spec.min || value > spec.max) refuseField(spec, token, `超出范围 ${spec.expected}`);
}

/** The values of runs as a mask of one bit a value. */
export function maskOf(runs: readonly Run[], bitOf: (value: number) => number = (value) => value): number {
  let mask = 0;
  for (const { from, to, step } of runs) {
    for (let value = from; value <= to; value += step) mask |= 1 << bitOf(value);
  }
  return mask;
}

/** True where a field is written with `*` or a step, so that it repeats instead of naming times. */
export function isRepeating(text: string): boolean {
  return text.includes("*") || text.includes("/");
}

import { clip, InvalidTrigger } from "./trigger-error.ts";

export interface IntervalTrigger {
  readonly kind: "interval";
  readonly everyMs: number;
  /** The first fire, in ms; all others are multiples of `everyMs` after it. */
  readonly anchorAt: number;
  readonly startAt: number | null;
  readonly endAt: number | null;
}

const EXAMPLE = "10 * * * *";
const PARTS = [
  ["second", 1_000],
  ["minute", 60_000],
  ["hour", 3_600_000],
  ["day", 86_400_000],
  ["week", 604_800_000],
] as const;

/** A hundred years: what is longer is a slip of the pen, and sums stay exact far beyond it. */
const LONGEST_MS = 36_525 * 86_400_000;
const LONGEST_FIELD = /^\d{1,10}$/;

/**
 * Reads an interval expression, *second minute hour day week*: whole numbers that add up, `*` is 0, e.g.
 * `10 * * * *` is ten seconds. All zero is one second, as in the original.
 * @returns milliseconds
 * @throws InvalidTrigger
 */
export function intervalMs(expression: string): number {
  if (expression.trim() === "") refuse("expression 不能为空");
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== PARTS.length) {
    refuse(`应为 5 个字段（秒 分 时 日 周），实际为 ${fields.length} 个`);
  }
  let total = 0;
  for (const [index, [part, unitMs]] of PARTS.entries()) {
    const text = fields[index] as string;
    if (text === "*") continue;
    if (!LONGEST_FIELD.test(text)) {
      const reason = `第 ${index + 1} 个字段 ${part} 的值 "${clip(text)}" 不是非负整数，应为整数或 *`;
      refuse(reason, { part, token: clip(text) });
    }
    total += Number(text) * unitMs;
  }
  if (total > LONGEST_MS) refuse("间隔超过 36525 天");
  return total === 0 ? 1_000 : total;
}

function refuse(reason: string, fault: { part?: string; token?: string } = {}): never {
  throw new InvalidTrigger(`无效的 interval 表达式：${reason}，例如 ${EXAMPLE} 表示每 10 秒`, {
    field: "expression",
    ...fault,
    expected: EXAMPLE,
  });
}

/**
 * An interval as of `now`: without a start it first fires one interval from now; with one, at the start, or where
 * that is past at the first of its multiples that is not.
 */
export function intervalTrigger(
  everyMs: number,
  window: { startAt: number | null; endAt: number | null },
  now: number,
): IntervalTrigger {
  const { startAt, endAt } = window;
  const anchorAt = startAt === null ? now + everyMs : nextMultiple({ everyMs, anchorAt: startAt }, now - 1);
  return { kind: "interval", everyMs, anchorAt, startAt, endAt };
}

type Rhythm = Pick<IntervalTrigger, "everyMs" | "anchorAt">;

/** The first multiple strictly after an instant. */
export function nextMultiple({ everyMs, anchorAt }: Rhythm, after: number): number {
  if (after < anchorAt) return anchorAt;
  return anchorAt + (Math.floor((after - anchorAt) / everyMs) + 1) * everyMs;
}

/** How many multiples lie in [first, until], where `first` is one of them. */
export function multiplesUpTo(everyMs: number, first: number, until: number): number {
  return until < first ? 0 : Math.floor((until - first) / everyMs) + 1;
}

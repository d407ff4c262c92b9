import type { ExpressionFault } from "../../../shared/contracts/trigger-faults.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";

export interface IntervalTrigger {
  readonly kind: "interval";
  readonly everyMs: number;
  /** The first occurrence, in ms. All others are multiples of `everyMs` after it. */
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

/** A hundred years: a longer interval is a typo, and sums up to it are exact. */
const MAX_DAYS = 36_525;
const LONGEST_FIELD = /^\d{1,10}$/;

/**
 * Parses an interval expression, *second minute hour day week*: whole numbers that add up, `*` is 0, e.g.
 * `10 * * * *` is ten seconds. All zero is one second, as in the Python original.
 * @returns milliseconds
 * @throws InvalidTrigger
 */
export function intervalMs(expression: string): number {
  if (expression.trim() === "") refuse({ reason: "EXPRESSION_EMPTY", expected: EXAMPLE });
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== PARTS.length) {
    const [least, most, actual] = [PARTS.length, PARTS.length, fields.length];
    refuse({ reason: "FIELD_COUNT", least, most, actual, expected: EXAMPLE });
  }
  let total = 0;
  for (const [index, [part, unitMs]] of PARTS.entries()) {
    const text = fields[index] as string;
    if (text === "*") continue;
    if (!LONGEST_FIELD.test(text)) {
      const facts = { part, position: index + 1, token: clip(text), expected: EXAMPLE };
      refuse({ reason: "INTERVAL_PART_UNREADABLE", ...facts });
    }
    total += Number(text) * unitMs;
  }
  if (total > MAX_DAYS * 86_400_000)
    refuse({ reason: "INTERVAL_TOO_LONG", days: MAX_DAYS, expected: EXAMPLE });
  return total === 0 ? 1_000 : total;
}

function refuse(fault: ExpressionFault): never {
  throw new InvalidTrigger({ field: "expression", syntax: "interval", ...fault });
}

/**
 * An interval as of `now`. Without a start the first occurrence is one interval from now. With a start it is at the
 * start, or if that has passed, at its first multiple that has not.
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

/** Number of multiples in [first, until]; `first` is one of them. */
export function multiplesUpTo(everyMs: number, first: number, until: number): number {
  return until < first ? 0 : Math.floor((until - first) / everyMs) + 1;
}

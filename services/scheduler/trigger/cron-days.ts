import { dayNumber, monthLength, weekdayOf } from "./cron-calendar.ts";

/** A day that depends on its month. */
export type SpecialDay =
  /** The last day of the month, or `offset` days before it; with `workday`, the Monday–Friday nearest to it. */
  | { readonly kind: "from_end"; readonly offset: number; readonly workday: boolean }
  /** The weekday (Monday–Friday) nearest to `day` within the month. None if the month does not have that day. */
  | { readonly kind: "nearest_workday"; readonly day: number }
  /** The nth such weekday (0 = Sunday) of the month. None if the month does not have it. */
  | { readonly kind: "nth_weekday"; readonly weekday: number; readonly nth: number | "last" };

/** Which days of a month match. Masks hold one bit a value: days 1–31, weekdays 0 (Sunday) – 6. */
export interface DayRule {
  readonly days: number;
  readonly specialDays: readonly SpecialDay[];
  readonly weekdays: number;
  readonly specialWeekdays: readonly SpecialDay[];
  /** How the day of the month and the weekday are combined. */
  readonly combine: "and" | "or";
}

interface Month {
  readonly length: number;
  /** The weekday of the first day of the month. */
  readonly firstWeekday: number;
}

const SATURDAY = 6;
const SUNDAY = 0;

/** The days of a month that match, as a mask: bit 1 is the first. */
export function matchingDays(rule: DayRule, year: number, month: number): number {
  const shape: Month = {
    length: monthLength(year, month),
    firstWeekday: weekdayOf(dayNumber(year, month, 1)),
  };
  const byDay = rule.days | specialMask(rule.specialDays, shape);
  const byWeekday = weekdayMask(rule.weekdays, shape) | specialMask(rule.specialWeekdays, shape);
  const matching = rule.combine === "and" ? byDay & byWeekday : byDay | byWeekday;
  // Bits 1 … length; `-2 << 31` would wrap, so the upper end is cut off by a shift to the right.
  return matching & ((0xffff_ffff >>> (31 - shape.length)) & ~1);
}

function weekdayMask(weekdays: number, { length, firstWeekday }: Month): number {
  if (weekdays === 0b111_1111) return ~0;
  let mask = 0;
  for (let day = 1; day <= length; day++) {
    if ((weekdays >>> ((firstWeekday + day - 1) % 7)) & 1) mask |= 1 << day;
  }
  return mask;
}

function specialMask(specials: readonly SpecialDay[], month: Month): number {
  let mask = 0;
  for (const special of specials) {
    const day = specialDay(special, month);
    if (day >= 1 && day <= month.length) mask |= 1 << day;
  }
  return mask;
}

function specialDay(special: SpecialDay, month: Month): number {
  switch (special.kind) {
    case "from_end": {
      const day = month.length - special.offset;
      return special.workday ? nearestWorkday(day, month) : day;
    }
    case "nearest_workday":
      return nearestWorkday(special.day, month);
    case "nth_weekday": {
      const first = 1 + ((special.weekday - month.firstWeekday + 7) % 7);
      if (special.nth === "last") return first + Math.floor((month.length - first) / 7) * 7;
      return first + (special.nth - 1) * 7;
    }
  }
}

/** Saturday becomes Friday and Sunday becomes Monday, unless that day is in another month. */
function nearestWorkday(day: number, { length, firstWeekday }: Month): number {
  if (day < 1 || day > length) return 0;
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === SATURDAY) return day === 1 ? 3 : day - 1;
  if (weekday === SUNDAY) return day === length ? day - 2 : day + 1;
  return day;
}

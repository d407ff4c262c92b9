import type { DatePart, ExpressionFault } from "../../../shared/contracts/trigger-faults.ts";
import { monthLength } from "./cron-calendar.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";
import { instantOf, type Zone } from "./trigger-zone.ts";

const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;
type SixNumbers = [number, number, number, number, number, number];

/**
 * The instant (ms) of `YYYY-MM-DD HH:MM:SS` in a time zone. If the time occurs twice, the first one; if the clock skips
 * it, the first instant after the change.
 *
 * @throws InvalidTrigger for another format, and for a date or time that does not exist
 */
export function dateInstant(expression: string, zone: Zone): number {
  const match = DATE_TIME.exec(expression.trim());
  const token = clip(expression.trim());
  if (!match) refuse({ reason: "DATE_UNREADABLE", token });
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as SixNumbers;
  const outOfRange = (part: DatePart, min: number, max: number): never =>
    refuse({ reason: "DATE_PART_OUT_OF_RANGE", token, part, min, max });
  if (year < 1970) outOfRange("year", 1970, 9999);
  if (month < 1 || month > 12) outOfRange("month", 1, 12);
  const days = monthLength(year, month);
  if (day < 1 || day > days) refuse({ reason: "DATE_NOT_IN_MONTH", token, days });
  if (hour > 23) outOfRange("hour", 0, 23);
  if (minute > 59) outOfRange("minute", 0, 59);
  if (second > 59) outOfRange("second", 0, 59);
  return instantOf(Date.UTC(year, month - 1, day, hour, minute, second), zone);
}

type DateFault = ExpressionFault<"DATE_UNREADABLE" | "DATE_PART_OUT_OF_RANGE" | "DATE_NOT_IN_MONTH">;
type Facts<F> = F extends unknown ? Omit<F, "expected"> : never;

function refuse(facts: Facts<DateFault>): never {
  const fault = { ...facts, expected: "YYYY-MM-DD HH:MM:SS" } as DateFault;
  throw new InvalidTrigger({ field: "expression", syntax: "date", ...fault });
}

import { monthLength } from "./cron-calendar.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";
import { instantOf, type Zone } from "./trigger-zone.ts";

const EXAMPLE = "2030-01-31 08:30:00";
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;
type SixNumbers = [number, number, number, number, number, number];

/**
 * The instant (ms) of `YYYY-MM-DD HH:MM:SS` on the zone's clock: of a time that occurs twice the first, for one that
 * the clock jumps over the first instant after the jump.
 * @throws InvalidTrigger for another format and for a date or time that does not exist.
 */
export function dateInstant(expression: string, zone: Zone): number {
  const match = DATE_TIME.exec(expression.trim());
  if (!match) refuse(expression, "格式有误，应为 YYYY-MM-DD HH:MM:SS");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as SixNumbers;
  if (year < 1970) refuse(expression, "的年份超出范围 1970-9999");
  if (month < 1 || month > 12) refuse(expression, "的月份超出范围 1-12");
  const length = monthLength(year, month);
  if (day < 1 || day > length) refuse(expression, `的日期不存在，该月应为 1-${length} 日`);
  if (hour > 23) refuse(expression, "的小时超出范围 0-23");
  if (minute > 59) refuse(expression, "的分钟超出范围 0-59");
  if (second > 59) refuse(expression, "的秒超出范围 0-59");
  return instantOf(Date.UTC(year, month - 1, day, hour, minute, second), zone);
}

function refuse(expression: string, reason: string): never {
  const token = clip(expression.trim());
  throw new InvalidTrigger(`无效的 date 表达式：expression 的值 "${token}" ${reason}，例如 ${EXAMPLE}`, {
    field: "expression",
    token,
    expected: "YYYY-MM-DD HH:MM:SS",
  });
}

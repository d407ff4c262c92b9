import type { CronDialect } from "../../../shared/contracts/task-definition.ts";
import { kinitFields } from "./cron-kinit.ts";
import { quartzFields } from "./cron-quartz.ts";
import { type CronSchedule, cronSchedule } from "./cron-schedule.ts";
import { unixFields } from "./cron-unix.ts";
import { GenerationCache } from "./trigger-cache.ts";
import { InvalidTrigger } from "./trigger-error.ts";
import type { Zone, ZoneSegment } from "./trigger-zone.ts";

const FIELD_READERS = { kinit: kinitFields, quartz: quartzFields, unix: unixFields } as const;

/** Compiled expressions kept per dialect and generation; one takes about two kilobytes. */
const KEPT = 2_000;
const compiled = {
  kinit: new GenerationCache<string, CronSchedule>(KEPT),
  quartz: new GenerationCache<string, CronSchedule>(KEPT),
  unix: new GenerationCache<string, CronSchedule>(KEPT),
};

const TWO_DAYS_MS = 2 * 86_400_000;

/**
 * Compiles an expression, or returns it from the cache.
 *
 * @throws InvalidTrigger for an expression that cannot be parsed or that no date matches
 */
export function compileCron(expression: string, dialect: CronDialect): CronSchedule {
  const known = compiled[dialect].get(expression);
  if (known) return known;
  const schedule = cronSchedule(FIELD_READERS[dialect](expression));
  if (schedule.nextWall(0) === Number.POSITIVE_INFINITY) {
    throw new InvalidTrigger({
      field: "expression",
      syntax: dialect,
      reason: "NEVER_DUE",
      expected: "a date that exists; February has 29 days at most",
    });
  }
  compiled[dialect].set(expression, schedule);
  return schedule;
}

/**
 * The first occurrence strictly after an instant (ms), or Infinity. Strictly increasing if called with its own results.
 *
 * When the clock of the zone changes, the same rules apply to every dialect:
 * - **Forward** (a wall time does not exist): a schedule of certain hours whose times are skipped by the clock has one
 *   occurrence, at the first instant after the change, independent of how many times were skipped: a daily task must
 *   not miss a day. A schedule of every hour has no additional occurrence.
 * - **Back** (a wall time occurs twice): a schedule that names its times within certain hours has an occurrence in the
 *   first pass only. One that repeats within the hour (`*` or a step in its minutes or seconds) or of every hour keeps
 *   its rhythm in real time and has occurrences in both passes.
 *
 * Vixie cron does the same, but adds no occurrence for schedules with a wildcard. Quartz may lose or repeat a time.
 * APScheduler moves a skipped time by the length of the change and can repeat one that occurs twice.
 */
export function nextCronOccurrence(schedule: CronSchedule, zone: Zone, after: number): number {
  let instant = Math.max(Math.floor(after / 1000) * 1000 + 1000, -TWO_DAYS_MS);
  for (;;) {
    const segment = zone.segmentAt(instant);
    if (instant === segment.start && makesUp(schedule, segment)) return instant;
    const wall = schedule.nextWall(firstOpenWall(schedule, segment, instant));
    if (wall - segment.offset < segment.end || wall === Number.POSITIVE_INFINITY)
      return wall - segment.offset;
    // A clock set back within the rest of the segment could repeat times before `wall`; otherwise none can match.
    const isFarFromEnd = segment.end - instant >= TWO_DAYS_MS;
    instant = isFarFromEnd ? Math.max(segment.end, wall - TWO_DAYS_MS) : segment.end;
  }
}

/**
 * Number of occurrences in (after, until], by the same rules. Takes one step for each day instead of one for each
 * occurrence.
 */
export function countCronOccurrences(
  schedule: CronSchedule,
  zone: Zone,
  { after, until }: { readonly after: number; readonly until: number },
): number {
  let count = 0;
  let instant = Math.max(Math.floor(after / 1000) * 1000 + 1000, -TWO_DAYS_MS);
  while (instant <= until) {
    const segment = zone.segmentAt(instant);
    const end = Math.min(segment.end, Math.floor(until / 1000) * 1000 + 1000);
    if (instant === segment.start && makesUp(schedule, segment)) {
      count += 1;
      instant += 1000;
    }
    count += schedule.countWalls(firstOpenWall(schedule, segment, instant), end + segment.offset);
    instant = segment.end;
  }
  return count;
}

/** True if the clock change at the start of the segment skipped a time of a schedule of certain hours. */
function makesUp(schedule: CronSchedule, { start, offset, offsetBefore }: ZoneSegment): boolean {
  if (offset <= offsetBefore || schedule.everyHour) return false;
  return schedule.nextWall(start + offsetBefore) < start + offset;
}

/** The wall time to search from: schedules that name times do not match those of the first pass again. */
function firstOpenWall(schedule: CronSchedule, segment: ZoneSegment, instant: number): number {
  const wall = instant + segment.offset;
  const { start, offset, offsetBefore } = segment;
  if (offset >= offsetBefore || schedule.everyHour || schedule.repeatsWithinHour) return wall;
  return Math.max(wall, start + offsetBefore);
}

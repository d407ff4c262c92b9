import { civilDate, DAY_MS, dayNumber } from "./cron-calendar.ts";
import { type DayRule, matchingDays } from "./cron-days.ts";

/** The values from, from + step, … up to `to`. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** A parsed expression of any dialect, without a time zone. */
export interface CronFields {
  readonly seconds: readonly Run[];
  readonly minutes: readonly Run[];
  readonly hours: readonly Run[];
  readonly dayRule: DayRule;
  readonly months: readonly Run[];
  readonly years: readonly Run[];
  /** True if seconds or minutes have `*` or a step: the schedule repeats within the hour. */
  readonly repeatsWithinHour: boolean;
}

/** A compiled expression on the wall clock: wall times are milliseconds as if the zone were UTC. */
export interface CronSchedule {
  /** The first match at or after a wall time of whole seconds; Infinity if there is none. */
  nextWall(wall: number): number;
  /** Number of matches in [from, to), both wall times of whole seconds. Takes one step for each day that matches. */
  countWalls(from: number, to: number): number;
  readonly everyHour: boolean;
  readonly repeatsWithinHour: boolean;
}

const NONE = 255;
const LAST_YEAR = 9999;

/** Table of the lowest allowed value at or after each index; NONE if there is none. */
function nextTable(runs: readonly Run[], size: number): Uint8Array {
  const table = new Uint8Array(size + 1).fill(NONE);
  for (const { from, to, step } of runs) {
    for (let value = from; value <= to; value += step) table[value] = value;
  }
  for (let value = size - 1; value >= 0; value--) {
    if (table[value] === NONE) table[value] = table[value + 1] as number;
  }
  return table;
}

function nextYear(runs: readonly Run[], year: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { from, to, step } of runs) {
    const candidate = year <= from ? from : from + Math.ceil((year - from) / step) * step;
    if (candidate <= to && candidate < next) next = candidate;
  }
  return next;
}

/** Compiles fields to lookup tables; a lookup costs well under a microsecond and allocates nothing. */
export function cronSchedule(fields: CronFields): CronSchedule {
  const nextTime = timeSearch(fields);
  const nextDay = daySearch(fields);
  const firstTime = nextTime(0);
  const hours = nextTable(fields.hours, 24);
  const timesBefore = timeCount(fields);
  const timesPerDay = timesBefore(DAY_MS / 1000);
  return {
    everyHour: hours.subarray(0, 24).every((next, hour) => next === hour),
    repeatsWithinHour: fields.repeatsWithinHour,
    nextWall(wall) {
      const today = Math.floor(wall / DAY_MS);
      const day = nextDay(today);
      if (day !== today) return day * DAY_MS + firstTime * 1000;
      const time = nextTime((wall - today * DAY_MS) / 1000);
      if (time >= 0) return today * DAY_MS + time * 1000;
      return nextDay(today + 1) * DAY_MS + firstTime * 1000;
    },
    countWalls(from, to) {
      let count = 0;
      for (let day = nextDay(Math.floor(from / DAY_MS)); day * DAY_MS < to; day = nextDay(day + 1)) {
        const first = Math.max(0, (from - day * DAY_MS) / 1000);
        const end = (to - day * DAY_MS) / 1000;
        count += (end * 1000 < DAY_MS ? timesBefore(end) : timesPerDay) - timesBefore(first);
      }
      return count;
    },
  };
}

/** Search within a day, in seconds since its start; -1 if the rest of the day has no match. */
function timeSearch(fields: CronFields): (from: number) => number {
  const seconds = nextTable(fields.seconds, 60);
  const minutes = nextTable(fields.minutes, 60);
  const hours = nextTable(fields.hours, 24);
  const firstSecond = seconds[0] as number;
  const firstOfHour = (minutes[0] as number) * 60 + firstSecond;
  return (from) => {
    const hourNow = Math.floor(from / 3600);
    const hour = hours[hourNow] as number;
    if (hour === NONE) return -1;
    if (hour === hourNow) {
      const minuteNow = Math.floor(from / 60) % 60;
      const minute = minutes[minuteNow] as number;
      if (minute === minuteNow) {
        const second = seconds[from % 60] as number;
        if (second !== NONE) return hour * 3600 + minute * 60 + second;
      }
      const later = minute === minuteNow ? (minutes[minuteNow + 1] as number) : minute;
      if (later !== NONE) return hour * 3600 + later * 60 + firstSecond;
    }
    const laterHour = hour === hourNow ? (hours[hourNow + 1] as number) : hour;
    return laterHour === NONE ? -1 : laterHour * 3600 + firstOfHour;
  };
}

/** Counts the matches of a day before a time, in seconds since its start. */
function timeCount(fields: CronFields): (time: number) => number {
  const seconds = countTable(fields.seconds, 60);
  const minutes = countTable(fields.minutes, 60);
  const hours = countTable(fields.hours, 24);
  const perMinute = seconds[60] as number;
  const perHour = (minutes[60] as number) * perMinute;
  return (time) => {
    const [hour, minute] = [Math.floor(time / 3600), Math.floor(time / 60) % 60];
    let count = (hours[hour] as number) * perHour;
    if (hours[hour + 1] === hours[hour]) return count;
    count += (minutes[minute] as number) * perMinute;
    return minutes[minute + 1] === minutes[minute] ? count : count + (seconds[time % 60] as number);
  };
}

/** Table of the number of allowed values below each index. It has one entry more than the field has values. */
function countTable(runs: readonly Run[], size: number): Uint8Array {
  const next = nextTable(runs, size);
  const table = new Uint8Array(size + 2);
  for (let value = 0; value < size; value++) {
    table[value + 1] = (table[value] as number) + (next[value] === value ? 1 : 0);
  }
  table[size + 1] = table[size] as number;
  return table;
}

/** Searches days by number. Caches the mask of the last month, because calls are close to the present. */
function daySearch({ dayRule, months, years }: CronFields): (from: number) => number {
  const monthTable = nextTable(months, 13);
  const cached = { first: 0, past: 0, mask: 0, year: 0, month: 0 };
  const load = (year: number, month: number) => {
    cached.first = dayNumber(year, month, 1);
    cached.past = month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1);
    cached.mask =
      nextYear(years, year) === year && monthTable[month] === month ? matchingDays(dayRule, year, month) : 0;
    cached.year = year;
    cached.month = month;
  };
  return (from) => {
    if (from < cached.first || from >= cached.past) {
      const date = civilDate(from);
      load(date.year, date.month);
    }
    let rest = cached.mask & (-1 << (from - cached.first + 1));
    while (rest === 0) {
      let year = cached.year;
      let month = monthTable[cached.month + 1] as number;
      if (month === NONE || nextYear(years, year) !== year) {
        year = nextYear(years, year + 1);
        if (year > LAST_YEAR) return Number.POSITIVE_INFINITY;
        month = monthTable[1] as number;
      }
      load(year, month);
      rest = cached.mask;
    }
    return cached.first + 30 - Math.clz32(rest & -rest);
  };
}

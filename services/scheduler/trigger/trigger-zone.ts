import { GenerationCache } from "./trigger-cache.ts";
import { clip, InvalidTrigger } from "./trigger-error.ts";

/** A span of time with one offset. Instants and offsets are in milliseconds. */
export interface ZoneSegment {
  readonly start: number;
  /** Exclusive. May be the end of a calendar year instead of a change of offset. */
  readonly end: number;
  /** Wall time minus UTC. */
  readonly offset: number;
  /** The offset just before `start`. */
  readonly offsetBefore: number;
}

export interface Zone {
  segmentAt(instant: number): ZoneSegment;
}

const DAY_MS = 86_400_000;
/** No change moves the clock by more than 26 hours, so this covers every repeated span. */
const MARGIN_MS = 2 * DAY_MS;
/** Since 1970, the offset changes of a zone are weeks apart. The probes are much closer. */
const PROBE_MS = 4 * DAY_MS;
const YEARS_KEPT = 64;
const ZONES_KEPT = 512;
/** If the offset is zero, nothing follows `GMT`. */
const LONG_OFFSET = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

const zones = new GenerationCache<string, Zone>(ZONES_KEPT);

/**
 * A time zone as segments of constant offset, which are determined once for each year and cached: the platform needs
 * microseconds to return an offset, a lookup here takes nanoseconds.
 *
 * @throws InvalidTrigger for a name that is not in the zone data of the platform
 */
export function zoneNamed(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  const zone = segmentedZone(name);
  zones.set(name, zone);
  return zone;
}

/**
 * The instant of a wall time (milliseconds as if the zone were UTC). If the time occurs twice, the first one; if the
 * clock skips it, the first instant after the change.
 */
export function instantOf(wall: number, zone: Zone): number {
  let segment = zone.segmentAt(wall - MARGIN_MS);
  while (wall - segment.offset >= segment.end) segment = zone.segmentAt(segment.end);
  return Math.max(wall - segment.offset, segment.start);
}

type OffsetAt = (instant: number) => number;

/** The offset by the platform. "longOffset" is exact to the second, and five times faster than date parts. */
function platformOffsets(zoneName: string): OffsetAt {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zoneName, timeZoneName: "longOffset" });
  return (instant) => {
    const [, sign, hours, minutes, seconds = "0"] = LONG_OFFSET.exec(format.format(instant)) ?? [];
    if (sign === undefined) return 0;
    const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === "-" ? -offset : offset;
  };
}

function isZoneName(name: string): boolean {
  try {
    return name !== "" && Boolean(new Intl.DateTimeFormat("en-US", { timeZone: name }));
  } catch {
    return false;
  }
}

function segmentedZone(name: string): Zone {
  if (!isZoneName(name)) {
    const token = clip(name);
    throw new InvalidTrigger({
      field: "timezone",
      reason: "TIMEZONE_UNKNOWN",
      token,
      expected: "Asia/Shanghai",
    });
  }
  const years = new GenerationCache<number, ZoneSegment[]>(YEARS_KEPT);
  let from = 0;
  let to = 0;
  let current: ZoneSegment[] = [];
  return {
    segmentAt(instant) {
      if (instant < from || instant >= to) {
        const year = new Date(instant).getUTCFullYear();
        from = Date.UTC(year, 0);
        to = Date.UTC(year + 1, 0);
        current = years.get(year) ?? segmentsBetween(from - MARGIN_MS, to, platformOffsets(name));
        years.set(year, current);
      }
      let index = current.length - 1;
      while (index > 0 && instant < (current[index] as ZoneSegment).start) index--;
      return current[index] as ZoneSegment;
    },
  };
}

function segmentsBetween(from: number, to: number, offsetAt: OffsetAt): ZoneSegment[] {
  const segments: ZoneSegment[] = [];
  let start = from;
  let offset = offsetAt(from);
  let offsetBefore = offset;
  for (let known = from; known < to; ) {
    const probe = Math.min(known + PROBE_MS, to);
    if (offsetAt(probe) === offset) {
      known = probe;
      continue;
    }
    const change = firstChange(known, probe, offsetAt);
    if (change >= to) break;
    segments.push({ start, end: change, offset, offsetBefore });
    offsetBefore = offset;
    offset = offsetAt(change);
    start = change;
    known = change;
  }
  segments.push({ start, end: to, offset, offsetBefore });
  return segments;
}

/** The first instant in (low, high] whose offset differs from that at `low`. */
function firstChange(low: number, high: number, offsetAt: OffsetAt): number {
  const offset = offsetAt(low);
  let before = low;
  let after = high;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

import { IANAZone } from "luxon";

/** Converts between instants and `YYYY-MM-DD HH:MM:SS` in one time zone. */
export interface DatetimeWire {
  /** An ISO-8601 UTC instant as wall time; milliseconds are cut. */
  show(instant: string): string;
  showOrNull(instant: string | null): string | null;
  /**
   * The instant (ISO-8601 UTC) of a wall time that {@link wallTime} has accepted: the first one where a change of clocks
   * repeats the time, and later by the length of the jump where it skips the time.
   */
  read(wall: string): string;
}

/** Offsets change at quarters of an hour, so one look-up of the zone is valid for all instants of such a stretch. */
const STRETCH_MS = 900_000;
const STRETCHES_KEPT = 4096;
/** A zone changes its clocks once within two days at most, so the offsets a day to either side are the candidates. */
const DAY_MS = 86_400_000;

export function datetimeWire(timezone: string): DatetimeWire {
  const zone = IANAZone.create(timezone);
  const offsets = new Map<number, number>();
  const offsetMsAt = (ms: number): number => {
    const stretch = Math.floor(ms / STRETCH_MS);
    const known = offsets.get(stretch);
    if (known !== undefined) return known;
    if (offsets.size >= STRETCHES_KEPT) offsets.clear();
    const offset = Math.round(zone.offset(ms) * 60_000);
    offsets.set(stretch, offset);
    return offset;
  };
  const show = (instant: string): string => {
    const ms = Date.parse(instant);
    return new Date(ms + offsetMsAt(ms)).toISOString().slice(0, 19).replace("T", " ");
  };
  return {
    show,
    showOrNull: (instant) => (instant === null ? null : show(instant)),
    read(wall) {
      const asUtc = Date.parse(`${wall.replace(" ", "T")}.000Z`);
      const before = asUtc - offsetMsAt(asUtc - DAY_MS);
      const after = asUtc - offsetMsAt(asUtc + DAY_MS);
      const isOfBefore = before + offsetMsAt(before) === asUtc;
      const isOfAfter = after + offsetMsAt(after) === asUtc;
      return new Date(isOfAfter && !isOfBefore ? after : before).toISOString();
    },
  };
}

/** The form of a wall time. */
export const WALL_TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
/** Rules of wall times in responses. */
export const wallTimeRule = { type: "string", pattern: WALL_TIME } as const;
export const wallTimeOrNull = { ...wallTimeRule, nullable: true } as const;
const EXTENDED_JSON = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d{1,6})?Z$/;

/**
 * The wall time that a request states, or undefined where it states none: `YYYY-MM-DD HH:MM:SS`, or
 * `{"$date": "YYYY-MM-DDTHH:MM:SS.fZ"}` as MongoDB exports it. The Z of the latter is ignored: the Python original stores
 * local time without a zone and reads it back digit by digit.
 */
export function wallTime(value: unknown): string | undefined {
  if (typeof value === "string") return WALL_TIME.test(value) && isOnCalendar(value) ? value : undefined;
  if (typeof value !== "object" || value === null || !("$date" in value)) return undefined;
  const parts = typeof value.$date === "string" ? EXTENDED_JSON.exec(value.$date) : null;
  return parts ? wallTime(`${parts[1]} ${parts[2]}`) : undefined;
}

/** False for 30 February, 24 o'clock and the year 0, which Python's calendar does not have either. */
function isOnCalendar(wall: string): boolean {
  const iso = `${wall.replace(" ", "T")}.000Z`;
  const ms = Date.parse(iso);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === iso && !wall.startsWith("0000");
}

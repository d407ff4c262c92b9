import { randomBytes } from "node:crypto";

let lastMs = 0;
let sequence = 0;

/**
 * Returns a UUIDv7 (RFC 9562). Ids of one process ascend strictly: within a millisecond the 12 bits after the timestamp
 * count up; when they overflow, or the clock steps back, the timestamp is incremented instead of read.
 */
export function eventId(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    sequence = 0;
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  const random = randomHex();
  const variant = (8 + (Number.parseInt(random[0] as string, 16) & 3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, "0")}-${variant}${random.slice(1, 4)}-${random.slice(4, 16)}`;
}

/** The lowest id that `eventId` can return at or after an instant; for range scans. */
export function eventIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** When an id of `eventId` was made, in ms since the epoch. */
export const eventIdTime = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

let pool = "";
/** Returns 16 hexadecimal digits from a pool that one call of the generator fills for 256 ids. */
function randomHex(): string {
  if (pool.length === 0) pool = randomBytes(2048).toString("hex");
  const digits = pool.slice(0, 16);
  pool = pool.slice(16);
  return digits;
}

const PROCESS_PART = randomBytes(5).toString("hex");
let counter = randomBytes(3).readUIntBE(0, 3);

/** A new ObjectId as 24 hexadecimal digits: seconds, 5 bytes of this process, a counter; ascending within a process. */
export function objectId(now: number = Date.now()): string {
  counter = (counter + 1) & 0xffffff;
  return seconds(now) + PROCESS_PART + counter.toString(16).padStart(6, "0");
}

function seconds(ms: number): string {
  return (Math.floor(ms / 1000) >>> 0).toString(16).padStart(8, "0");
}

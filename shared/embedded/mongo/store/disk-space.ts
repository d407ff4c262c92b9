import type { Disk } from "./disk.ts";

const MIB = 1024 * 1024;
/**
 * Free space that a compaction leaves for the log, and that must exist before a log that ran out of space
 * continues.
 */
export const SPARED_BYTES = 8 * MIB;

/** Returns true for errors of a full disk, after which a later write can succeed. */
export const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT"].includes(String((error as NodeJS.ErrnoException).code));

/** @throws Error if writing `bytes` more would leave less than `SPARED_BYTES` free */
export async function requireSpace(disk: Disk, directory: string, bytes = 0): Promise<void> {
  const [free, needed] = [await disk.free(directory), bytes + SPARED_BYTES];
  if (free >= needed) return;
  throw new Error(`it needs ${inMib(needed)} of free space, but only ${inMib(free)} are left`);
}

export const inMib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

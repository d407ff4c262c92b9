import type { Disk } from "./disk.ts";

const MIB = 1024 * 1024;
/** Space that a compaction leaves to the log, and that must be there before a log that was out of space goes on. */
export const SPARED_BYTES = 8 * MIB;

/** True for the errors of a disk without space, which a later write may overcome. */
export const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT"].includes(String((error as NodeJS.ErrnoException).code));

/** @throws Error where `bytes` more would leave less than `SPARED_BYTES` */
export async function requireSpace(disk: Disk, directory: string, bytes = 0): Promise<void> {
  const [free, needed] = [await disk.free(directory), bytes + SPARED_BYTES];
  if (free >= needed) return;
  throw new Error(`it needs ${inMib(needed)} of free space, and ${inMib(free)} are left`);
}

export const inMib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

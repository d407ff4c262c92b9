import { close, fdatasync, fsync, ftruncate, open, writev, writevSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";

/** The file system calls of the log. Tests replace them to make a disk fail. */
export interface Disk {
  open(path: string, flags: string): Promise<number>;
  /** Writes all buffers in sequence, starting at a position of the file, or fails. */
  write(file: number, buffers: readonly Uint8Array[], position: number): Promise<void>;
  truncate(file: number, length: number): Promise<void>;
  /** Resolves when everything written to the file survives power loss. */
  flush(file: number): Promise<void>;
  close(file: number): Promise<void>;
  /** Makes created, renamed and removed files of a directory survive power loss. */
  flushDirectory(path: string): Promise<void>;
  /** Returns the free bytes of a directory's file system. */
  free(path: string): Promise<number>;
}

const openFile = promisify(open) as (path: string, flags: string) => Promise<number>;
const closeFile = promisify(close);
const flushFile = promisify(fdatasync);
const truncateFile = promisify(ftruncate);
const flushAll = promisify(fsync);

/** Linux accepts at most 1,024 buffers per call. */
const MAX_BUFFERS = 1_000;
/**
 * Writes up to this size are made synchronously, into the page cache (20 to 60 µs). The thread pool would take
 * longer, and every commit would wait for it before its flush.
 */
const WRITTEN_AT_ONCE = 256 * 1024;

const writeSome = (file: number, buffers: readonly Uint8Array[], position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    writev(file, buffers as Uint8Array[], position, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });

async function write(file: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let at = position;
  let rest = [...buffers];
  const isSmall = rest.reduce((sum, { length }) => sum + length, 0) <= WRITTEN_AT_ONCE;
  while (rest.length > 0) {
    const part = rest.slice(0, MAX_BUFFERS);
    const written = isSmall ? writevSync(file, part, at) : await writeSome(file, part, at);
    if (written === 0) throw new Error("the disk took no bytes");
    at += written;
    rest = behind(rest, written);
  }
}

/** Returns what remains of the buffers after their first `count` bytes. */
function behind(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let at = 0;
  let left = count;
  while (at < buffers.length && left >= buffers[at]!.length) left -= buffers[at++]!.length;
  const rest = buffers.slice(at);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}

async function flushDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; a rename is durable there without this.
  if (process.platform === "win32") return;
  const directory = await openFile(path, "r");
  try {
    await flushAll(directory);
  } finally {
    await closeFile(directory);
  }
}

export const realDisk: Disk = {
  open: openFile,
  write,
  truncate: truncateFile,
  flush: flushFile,
  close: closeFile,
  flushDirectory,
  free: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

import { close, fdatasync, fsync, ftruncate, open, writev, writevSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";

/** The calls by which the log reaches the disk: a seam, so that a test can let a disk refuse. */
export interface Disk {
  open(path: string, flags: string): Promise<number>;
  /** Writes all buffers one behind the other from a position of the file on, or fails. */
  write(file: number, buffers: readonly Uint8Array[], position: number): Promise<void>;
  truncate(file: number, length: number): Promise<void>;
  /** Resolves when everything written to the file survives a loss of power. */
  flush(file: number): Promise<void>;
  close(file: number): Promise<void>;
  /** Makes names that were made, changed or removed in a directory survive a loss of power. */
  flushDirectory(path: string): Promise<void>;
  /** Bytes that can still be written to the file system of a directory. */
  free(path: string): Promise<number>;
}

const openFile = promisify(open) as (path: string, flags: string) => Promise<number>;
const closeFile = promisify(close);
const flushFile = promisify(fdatasync);
const truncateFile = promisify(ftruncate);
const flushAll = promisify(fsync);

/** Linux takes 1,024 buffers in one call. */
const MOST_BUFFERS = 1_000;
/**
 * Up to this size a write goes to the system's cache at once (20 to 60 µs): the way through the thread pool and
 * back takes longer, and every commit would wait for it before its flush could begin.
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
    const part = rest.slice(0, MOST_BUFFERS);
    const written = isSmall ? writevSync(file, part, at) : await writeSome(file, part, at);
    if (written === 0) throw new Error("the disk took no bytes");
    at += written;
    rest = behind(rest, written);
  }
}

/** What is left of the buffers when their first `count` bytes are done. */
function behind(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let at = 0;
  let left = count;
  while (at < buffers.length && left >= buffers[at]!.length) left -= buffers[at++]!.length;
  const rest = buffers.slice(at);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}

async function flushDirectory(path: string): Promise<void> {
  // Windows cannot open a directory: there a rename is durable by itself.
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

import { type FileHandle, mkdir, open, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../errors.ts";
import { FILE_HEADER, FrameScanner } from "./log-frames.ts";

const READ_BYTES = 4 * 1024 * 1024;

/** A snapshot holds everything up to its generation; logs of the same and later generations follow it. */
export const snapshotPath = (directory: string, generation: number): string =>
  join(directory, `snapshot-${String(generation).padStart(8, "0")}`);
export const logPath = (directory: string, generation: number): string =>
  join(directory, `log-${String(generation).padStart(8, "0")}`);

export interface LoadedDirectory {
  /** The generation to append to. */
  readonly generation: number;
  readonly snapshotBytes: number;
  readonly logBytes: number;
  /** Where to append to the log of that generation; 0 where it has no first line yet. */
  readonly endOfLog: number;
  /** Bytes behind the last whole batch, cut off: what a crash had left unfinished. */
  readonly tornBytes: number;
}

/** Reads the newest snapshot and the logs behind it, and removes what a crash or a compaction has left over. */
export async function loadDirectory(
  directory: string,
  apply: (batch: Uint8Array) => Promise<void>,
): Promise<LoadedDirectory> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  const snapshots = generationsOf(names, "snapshot");
  const base = snapshots.at(-1) ?? 0;
  const logs = generationsOf(names, "log").filter((generation) => generation >= base);
  await removeOldFiles(directory, names, base);
  let snapshotBytes = 0;
  if (snapshots.length > 0) {
    const path = snapshotPath(directory, base);
    const { wholeBytes, size } = await readFrames(path, apply);
    if (size > wholeBytes) throw damagedFile(path, wholeBytes);
    snapshotBytes = wholeBytes;
  }
  let logBytes = 0;
  let tornBytes = 0;
  let endOfLog = 0;
  for (const generation of logs) {
    const path = logPath(directory, generation);
    const read = await readFrames(path, apply);
    logBytes += read.wholeBytes;
    endOfLog = read.wholeBytes;
    if (read.tornBytes > 0 && generation !== logs.at(-1)) throw damagedFile(path, read.wholeBytes);
    tornBytes = read.tornBytes;
    if (read.size > read.wholeBytes) await truncate(path, read.wholeBytes);
  }
  return { generation: logs.at(-1) ?? base, snapshotBytes, logBytes, endOfLog, tornBytes };
}

function generationsOf(names: readonly string[], kind: "snapshot" | "log"): number[] {
  return names
    .filter((name) => name.startsWith(`${kind}-`) && /-\d{8}$/.test(name))
    .map((name) => Number(name.slice(-8)))
    .sort((a, b) => a - b);
}

/** A snapshot that was not finished has a name of its own; older generations are contained in the newest snapshot. */
export async function removeOldFiles(
  directory: string,
  names: readonly string[],
  base: number,
): Promise<void> {
  const older = (kind: "snapshot" | "log", path: (directory: string, generation: number) => string) =>
    generationsOf(names, kind)
      .filter((generation) => generation < base)
      .map((generation) => path(directory, generation));
  const unfinished = names
    .filter((name) => name.endsWith(".unfinished"))
    .map((name) => join(directory, name));
  for (const path of [...unfinished, ...older("log", logPath), ...older("snapshot", snapshotPath)]) {
    await rm(path, { force: true });
  }
}

interface FramesRead {
  readonly size: number;
  readonly wholeBytes: number;
  /** Bytes behind them, without the zeros that a log reserves at its end. */
  readonly tornBytes: number;
}

async function readFrames(path: string, apply: (batch: Uint8Array) => Promise<void>): Promise<FramesRead> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(FILE_HEADER.length);
    await file.read(header, 0, header.length, 0);
    // A crash right after the file was made leaves it without its first line.
    if (size < FILE_HEADER.length) return { size, wholeBytes: 0, tornBytes: size };
    if (!header.equals(FILE_HEADER)) throw damagedFile(path, 0);
    const scanner = new FrameScanner();
    let at = FILE_HEADER.length;
    for (;;) {
      const batch = scanner.next();
      if (batch === "damaged") break;
      if (batch !== null) {
        await apply(batch);
        continue;
      }
      const wanted = Math.min(Math.max(READ_BYTES, scanner.missing), size - at);
      if (wanted === 0 || scanner.missing > size - at) break;
      const chunk = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await file.read(chunk, 0, wanted, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      scanner.push(chunk.subarray(0, bytesRead));
    }
    const wholeBytes = FILE_HEADER.length + scanner.consumed;
    return { size, wholeBytes, tornBytes: await lengthWithoutZeros(file, wholeBytes, size) };
  } finally {
    await file.close();
  }
}

/** How far the bytes of a part of a file reach that are not zero. */
async function lengthWithoutZeros(file: FileHandle, from: number, to: number): Promise<number> {
  const bytes = Buffer.alloc(READ_BYTES);
  for (let end = to; end > from; end -= READ_BYTES) {
    const start = Math.max(from, end - READ_BYTES);
    const { bytesRead } = await file.read(bytes, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) if (bytes[at] !== 0) return start + at + 1 - from;
  }
  return 0;
}

const damagedFile = (path: string, offset: number): AppError =>
  new AppError(
    `${path} is damaged at byte ${offset}: it does not hold what was written there. Restore the directory from a backup`,
    { type: "MONGO_LOG_DAMAGED", code: 500, data: { path, offset } },
  );

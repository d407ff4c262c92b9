import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import type { FileFormat } from "./log-frames.ts";
import { damagedFile, type FileRead, formatOf, readLogFile } from "./log-reader.ts";

/** A snapshot contains everything before its generation; logs of the same and later generations follow it. */
export const snapshotPath = (directory: string, generation: number): string =>
  join(directory, `snapshot-${String(generation).padStart(8, "0")}`);
export const logPath = (directory: string, generation: number): string =>
  join(directory, `log-${String(generation).padStart(8, "0")}`);

export interface LoadedDirectory {
  /** Generation of the newest log that was begun. Without a log: that of the snapshot, or 0. */
  readonly generation: number;
  /** The newest log; null if there is none. */
  readonly newest: FileRead | null;
  readonly snapshotBytes: number;
  readonly logBytes: number;
}

/** Reads the newest snapshot and the logs after it, and removes files that a compaction left. */
export async function loadDirectory(
  directory: string,
  apply: (batch: Uint8Array) => Promise<void>,
): Promise<LoadedDirectory> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  const snapshots = generationsOf(names, "snapshot");
  const base = snapshots.at(-1) ?? 0;
  const logs = await begunLogs(directory, { names, base });
  let snapshotBytes = 0;
  if (snapshots.length > 0) {
    const path = snapshotPath(directory, base);
    const { end, size } = await readLogFile(path, apply, null);
    if (size > end) throw damagedFile(path, end);
    snapshotBytes = size;
  }
  let logBytes = 0;
  let newest: FileRead | null = null;
  for (const [i, { generation }] of logs.entries()) {
    const path = logPath(directory, generation);
    const next = logs[i + 1]?.format;
    newest = await readLogFile(path, apply, next?.version === 2 ? next.previous : null);
    // A log that follows one of format 1 was begun when that one was complete.
    if (next?.version === 1 && newest.tornBytes > 0) throw damagedFile(path, newest.end);
    logBytes += newest.end;
  }
  // Files are removed only after everything has been read.
  await removeOldFiles(directory, names, base);
  return { generation: logs.at(-1)?.generation ?? base, newest, snapshotBytes, logBytes };
}

interface BegunLog {
  readonly generation: number;
  readonly format: FileFormat;
}

/** Returns the logs that follow the snapshot, without a newest one that was created but never begun. */
async function begunLogs(
  directory: string,
  { names, base }: { names: readonly string[]; base: number },
): Promise<BegunLog[]> {
  const logs: BegunLog[] = [];
  const generations = generationsOf(names, "log").filter((generation) => generation >= base);
  for (const [i, generation] of generations.entries()) {
    if (generation !== base + i) throw missingFile(logPath(directory, base + i));
    const path = logPath(directory, generation);
    const format = await formatOf(path);
    if (format !== null) logs.push({ generation, format });
    else if (i < generations.length - 1) throw damagedFile(path, 0);
  }
  return logs;
}

function generationsOf(names: readonly string[], kind: "snapshot" | "log"): number[] {
  return names
    .filter((name) => name.startsWith(`${kind}-`) && /-\d{8}$/.test(name))
    .map((name) => Number(name.slice(-8)))
    .sort((a, b) => a - b);
}

/**
 * Removes unfinished snapshots, which have a temporary name, and older generations, which the newest snapshot
 * contains.
 */
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

const missingFile = (path: string): EmbeddedMongoError =>
  new EmbeddedMongoError(
    `${path} is missing, though a later log exists. Nothing has been changed. Put the file back, or restore the ` +
      "directory from a backup",
    { type: "MONGO_LOG_DAMAGED", code: 500, data: { path, offset: 0 } },
  );

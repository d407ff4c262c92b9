import { readFile, rm, writeFile } from "node:fs/promises";
import type { AppError } from "../shared/errors.ts";

interface PublishedUrl {
  readonly pid: number;
  readonly url: string;
}
/** Next to the directory, which contains the store's own files only. */
const urlFile = (dir: string): string => `${dir}.url`;

/** Publishes the URL of a data directory's server; returns a function that withdraws it. */
export async function publishUrl(dir: string, url: string): Promise<() => Promise<void>> {
  const published: PublishedUrl = { pid: process.pid, url };
  await writeFile(urlFile(dir), JSON.stringify(published));
  return () => rm(urlFile(dir), { force: true });
}

/** The URL that the holder of the lock has published: a killed process leaves its file behind. */
export async function readUrl(dir: string, locked: unknown): Promise<string | undefined> {
  try {
    const { pid, url } = JSON.parse(await readFile(urlFile(dir), "utf8")) as PublishedUrl;
    return pid === (locked as AppError & { data: { pid: number } }).data.pid ? url : undefined;
  } catch {
    return undefined;
  }
}

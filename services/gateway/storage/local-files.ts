import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { FileStore } from "./file-store.ts";

const INCOMING = ".incoming";

export interface LocalFilesOptions {
  readonly directory: string;
  /** Put before the name that clients get: `/media`; empty: the name within the directory. */
  readonly baseUrl: string;
}

/** Files in a directory. Names are random, so nothing that clients send becomes part of a path. */
export function localFiles({ directory, baseUrl }: LocalFilesOptions): FileStore {
  const incoming = join(directory, INCOMING);
  return {
    incoming,
    async put({ path }, { folder, extension }) {
      const name = `${randomBytes(16).toString("hex")}.${extension}`;
      await mkdir(join(directory, folder), { recursive: true });
      await flush(path);
      await rename(path, join(directory, folder, name));
      await flush(join(directory, folder));
      const parts = [folder, name].filter((part) => part !== "").join("/");
      return baseUrl === "" ? parts : `${baseUrl}/${parts}`;
    },
  };
}

/** Makes the content of a file, or the entries of a directory, survive power loss. */
async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Deletes the files of a directory that were last changed before an instant, and the folders that become empty. Leaves
 * out what is being received.
 */
export async function deleteFilesBefore(directory: string, instant: number): Promise<void> {
  for (const entry of await entriesOf(directory)) {
    if (entry.name === INCOMING) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      await deleteFilesBefore(path, instant);
      // A folder with files is not deleted.
      await rmdir(path).catch(() => {});
    } else if ((await stat(path)).mtimeMs < instant) await unlink(path);
  }
}

/** None where nothing was stored yet. */
async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

import { rename, rm } from "node:fs/promises";
import type { Batch } from "./batch.ts";
import type { Disk } from "./disk.ts";
import { requireSpace } from "./disk-space.ts";
import { snapshotPath } from "./log-directory.ts";
import { FRAME_HEADER_BYTES, fileHeader, frameHeader, newSeed } from "./log-frames.ts";

const BYTES_BETWEEN_LOOKS = 1024 * 1024;

export interface SnapshotJob {
  readonly directory: string;
  readonly disk: Disk;
  readonly generation: number;
  readonly batches: AsyncIterable<Batch>;
  /** Resolves when everything that the batches may contain is durable in the logs; rejects otherwise. */
  readonly confirm: () => Promise<void>;
}

/**
 * Writes a snapshot under a temporary name and renames it when it is complete and durable. After an error no file
 * is left.
 */
export async function writeSnapshot(job: SnapshotJob): Promise<number> {
  const { directory, disk, generation, confirm } = job;
  const path = snapshotPath(directory, generation);
  const unfinished = `${path}.unfinished`;
  try {
    const bytes = await writeBatches(unfinished, job);
    await confirm();
    await rename(unfinished, path);
    await disk.flushDirectory(directory);
    return bytes;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function writeBatches(path: string, { directory, disk, batches }: SnapshotJob): Promise<number> {
  const file = await disk.open(path, "w");
  try {
    const seed = newSeed();
    const header = fileHeader({ seed, previous: 0 });
    await disk.write(file, [header], 0);
    let bytes = header.length;
    let lookAt = 0;
    for await (const batch of batches) {
      if (bytes >= lookAt) {
        await requireSpace(disk, directory, batch.length);
        lookAt = bytes + BYTES_BETWEEN_LOOKS;
      }
      await disk.write(file, [frameHeader(batch, { seed, durableTo: 0 }), ...batch.pieces], bytes);
      bytes += FRAME_HEADER_BYTES + batch.length;
    }
    await disk.flush(file);
    return bytes;
  } finally {
    await disk.close(file);
  }
}

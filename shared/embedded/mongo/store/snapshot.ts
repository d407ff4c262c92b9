import { rename } from "node:fs/promises";
import type { Batch } from "./batch.ts";
import type { Disk } from "./disk.ts";
import { snapshotPath } from "./log-directory.ts";
import { FILE_HEADER, FRAME_HEADER_BYTES, frameHeader } from "./log-frames.ts";

export interface SnapshotJob {
  readonly directory: string;
  readonly disk: Disk;
  readonly generation: number;
  readonly batches: AsyncIterable<Batch>;
}

/** Writes a snapshot under a name of its own and gives it its real name when it is complete and durable. */
export async function writeSnapshot({ directory, disk, generation, batches }: SnapshotJob): Promise<number> {
  const path = snapshotPath(directory, generation);
  const unfinished = `${path}.unfinished`;
  const file = await disk.open(unfinished, "w");
  let bytes = FILE_HEADER.length;
  try {
    await disk.write(file, [FILE_HEADER], 0);
    for await (const batch of batches) {
      await disk.write(file, [frameHeader(batch), ...batch.pieces], bytes);
      bytes += FRAME_HEADER_BYTES + batch.length;
    }
    await disk.flush(file);
  } finally {
    await disk.close(file);
  }
  await rename(unfinished, path);
  await disk.flushDirectory(directory);
  return bytes;
}

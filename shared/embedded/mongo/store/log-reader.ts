import { type FileHandle, open } from "node:fs/promises";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import {
  durableToIn,
  FILE_HEADER_BYTES,
  type FileFormat,
  FRAME_HEADER_BYTES,
  FrameScanner,
  readFileHeader,
} from "./log-frames.ts";

const READ_BYTES = 4 * 1024 * 1024;

export interface FileRead {
  readonly format: FileFormat;
  readonly size: number;
  /** The end of the last complete frame. */
  readonly end: number;
  /** Bytes after it, without the reserved zeros: a write that a crash interrupted. */
  readonly tornBytes: number;
}

/**
 * Returns the format of a file; null if it was created but never begun. The header is durable before anything else.
 */
export async function formatOf(path: string): Promise<FileFormat | null> {
  const file = await open(path, "r");
  try {
    const header = Buffer.alloc(FILE_HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, FILE_HEADER_BYTES, 0);
    const format = readFileHeader(header.subarray(0, bytesRead));
    if (format !== null) return format;
    const { size } = await file.stat();
    if ((await lengthWithoutZeros(file, FILE_HEADER_BYTES, size)) > 0) throw damagedFile(path, 0);
    return null;
  } finally {
    await file.close();
  }
}

/**
 * Calls `apply` for each batch of a file in order.
 *
 * @param upTo where the file must end; null if its last write may have been interrupted
 * @throws EmbeddedMongoError `MONGO_LOG_DAMAGED` if a frame is damaged that was once complete
 */
export async function readLogFile(
  path: string,
  apply: (batch: Uint8Array) => Promise<void>,
  upTo: number | null,
): Promise<FileRead> {
  const format = await formatOf(path);
  if (format === null) throw damagedFile(path, 0);
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const limit = Math.min(upTo ?? size, size);
    const end = await readFrames(file, format, { apply, limit });
    if (upTo !== null && end !== upTo) throw damagedFile(path, end);
    if (upTo !== null) return { format, size, end, tornBytes: 0 };
    if ((await durableToBehind(file, { format, from: end, size })) > end) throw damagedFile(path, end);
    return { format, size, end, tornBytes: await lengthWithoutZeros(file, end, size) };
  } finally {
    await file.close();
  }
}

/** Returns the end of the last complete frame before the limit. */
async function readFrames(
  file: FileHandle,
  format: FileFormat,
  { apply, limit }: { apply: (batch: Uint8Array) => Promise<void>; limit: number },
): Promise<number> {
  const scanner = new FrameScanner(format);
  let at = format.headerBytes;
  for (;;) {
    const batch = scanner.next();
    if (batch === "damaged") break;
    if (batch !== null) {
      if (batch.length > 0) await apply(batch);
      continue;
    }
    const wanted = Math.min(Math.max(READ_BYTES, scanner.missing), limit - at);
    if (wanted <= 0 || scanner.missing > limit - at) break;
    const chunk = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await file.read(chunk, 0, wanted, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    scanner.push(chunk.subarray(0, bytesRead));
  }
  return format.headerBytes + scanner.consumed;
}

/**
 * Returns how far the file was durable, according to the frames after a position, which may be inside a frame.
 */
async function durableToBehind(
  file: FileHandle,
  { format, from, size }: { format: FileFormat; from: number; size: number },
): Promise<number> {
  // Format 1 does not record this.
  if (format.version === 1) return 0;
  const bytes = Buffer.alloc(READ_BYTES + FRAME_HEADER_BYTES);
  let durableTo = 0;
  for (let at = from; at < size; at += READ_BYTES) {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    durableTo = Math.max(durableTo, durableToIn(bytes.subarray(0, bytesRead), format));
  }
  return durableTo;
}

/** Returns the end of the last nonzero byte in a part of a file. */
async function lengthWithoutZeros(file: FileHandle, from: number, to: number): Promise<number> {
  const bytes = Buffer.alloc(READ_BYTES);
  for (let end = to; end > from; end -= READ_BYTES) {
    const start = Math.max(from, end - READ_BYTES);
    const { bytesRead } = await file.read(bytes, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) if (bytes[at] !== 0) return start + at + 1 - from;
  }
  return 0;
}

export const damagedFile = (path: string, offset: number): EmbeddedMongoError =>
  new EmbeddedMongoError(
    `${path} is damaged at byte ${offset}: it does not hold what was written there. Nothing has been changed. ` +
      "Restore the directory from a backup, or see 'Damage' in the README of the embedded server",
    { type: "MONGO_LOG_DAMAGED", code: 500, data: { path, offset } },
  );

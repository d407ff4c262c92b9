import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Batch } from "./batch.ts";

/**
 * A log or snapshot file of format 2 begins with a header of 32 bytes:
 *
 *   line       "KINIT-MONGO-LOG 2\n"
 *   seed       u32, random: frames of another file whose bytes are in this one are not accepted as frames of this
 *   previous   u48, the length up to which the previous log is valid; 0 if there is none
 *   checksum   u32, CRC-32 of the above
 *
 * and continues with frames, one for each batch:
 *
 *   mark       u32, to find frames after damage
 *   length     u32, of the batch
 *   durableTo  u48, the position up to which the file was durable when the frame was written
 *   checksum   u32, CRC-32 of the batch
 *   checksum   u32, CRC-32 of the above, begun with the seed
 *   batch
 *
 * `durableTo` distinguishes an interrupted write from damage: if a later frame shows that the file was durable
 * beyond a broken frame, that frame was once complete.
 *
 * Format 1 has a header of the line alone, and frames of length, checksum over length and batch, and batch.
 */
export const FILE_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 22;
const FRAME_HEADER_BYTES_1 = 8;
const LINE = Buffer.from("KINIT-MONGO-LOG 2\n", "latin1");
const LINE_1 = Buffer.from("KINIT-MONGO-LOG 1\n", "latin1");
const MARK = Buffer.from([0xf7, 0x4b, 0x4d, 0xf2]);

export interface FileFormat {
  readonly version: 1 | 2;
  readonly headerBytes: number;
  readonly seed: number;
  readonly previous: number;
}

export const newSeed = (): number => randomBytes(4).readUInt32LE();

export function fileHeader({ seed, previous }: Pick<FileFormat, "seed" | "previous">): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  LINE.copy(header);
  header.writeUInt32LE(seed, 18);
  header.writeUIntLE(previous, 22, 6);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/** Returns the format of a file from its first bytes; null if they are not a header. */
export function readFileHeader(bytes: Buffer): FileFormat | null {
  if (bytes.subarray(0, LINE_1.length).equals(LINE_1))
    return { version: 1, headerBytes: LINE_1.length, seed: 0, previous: 0 };
  if (bytes.length < FILE_HEADER_BYTES || !bytes.subarray(0, LINE.length).equals(LINE)) return null;
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return null;
  const seed = bytes.readUInt32LE(18);
  return { version: 2, headerBytes: FILE_HEADER_BYTES, seed, previous: bytes.readUIntLE(22, 6) };
}

export function frameHeader(
  { pieces, length }: Batch,
  { seed, durableTo }: { seed: number; durableTo: number },
): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  MARK.copy(header);
  header.writeUInt32LE(length, 4);
  header.writeUIntLE(durableTo, 8, 6);
  // 5 GB/s.
  header.writeUInt32LE(
    pieces.reduce((sum, piece) => crc32(piece, sum), 0),
    14,
  );
  header.writeUInt32LE(crc32(header.subarray(0, 18), seed), 18);
  return header;
}

function isFrameHeader(bytes: Buffer, at: number, seed: number): boolean {
  return bytes.readUInt32LE(at + 18) === crc32(bytes.subarray(at, at + 18), seed);
}

/** Returns the highest `durableTo` of all frames that begin anywhere in these bytes; 0 if there is none. */
export function durableToIn(bytes: Buffer, { seed }: FileFormat): number {
  let durableTo = 0;
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    if (at + FRAME_HEADER_BYTES > bytes.length) break;
    if (isFrameHeader(bytes, at, seed)) durableTo = Math.max(durableTo, bytes.readUIntLE(at + 8, 6));
  }
  return durableTo;
}

/** Reads frames from bytes that arrive in pieces. */
export class FrameScanner {
  /** Bytes of the complete frames that were returned. */
  consumed = 0;
  readonly #format: FileFormat;
  readonly #headerBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(format: FileFormat) {
    this.#format = format;
    this.#headerBytes = format.version === 1 ? FRAME_HEADER_BYTES_1 : FRAME_HEADER_BYTES;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  /** The number of missing bytes of the next frame; 0 if it is complete or invalid. */
  get missing(): number {
    if (this.#rest.length < this.#headerBytes) return this.#headerBytes - this.#rest.length;
    if (!this.#hasHeader()) return 0;
    return Math.max(0, this.#headerBytes + this.#length - this.#rest.length);
  }

  /**
   * Returns the next batch; null if it is incomplete, "damaged" if its bytes are not those that were written.
   */
  next(): Buffer | null | "damaged" {
    if (this.missing > 0) return null;
    if (!this.#hasHeader()) return "damaged";
    const end = this.#headerBytes + this.#length;
    const batch = this.#rest.subarray(this.#headerBytes, end);
    if (!this.#isWhole(batch)) return "damaged";
    this.#rest = this.#rest.subarray(end);
    this.consumed += end;
    return batch;
  }

  #hasHeader(): boolean {
    const { version, seed } = this.#format;
    return version === 1 || isFrameHeader(this.#rest, 0, seed);
  }

  get #length(): number {
    return this.#rest.readUInt32LE(this.#format.version === 1 ? 0 : 4);
  }

  #isWhole(batch: Buffer): boolean {
    if (this.#format.version === 2) return this.#rest.readUInt32LE(14) === crc32(batch);
    return this.#rest.readUInt32LE(4) === crc32(batch, crc32(this.#rest.subarray(0, 4)));
  }
}

import { crc32 } from "node:zlib";
import type { Batch } from "./batch.ts";

/** Each batch in a file: its length and a checksum over length and batch (both u32), then the batch. */
export const FRAME_HEADER_BYTES = 8;
/** Every file begins with this line: a file of something else is never taken for a log. */
export const FILE_HEADER = Buffer.from("KINIT-MONGO-LOG 1\n", "latin1");

export function frameHeader({ pieces, length }: Batch): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header.writeUInt32LE(checksum(header, pieces), 4);
  return header;
}

/** Five gigabytes a second. */
const checksum = (header: Buffer, pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, piece) => crc32(piece, sum), crc32(header.subarray(0, 4)));

/** Reads frames from bytes that come in pieces. */
export class FrameScanner {
  /** Bytes of complete frames that were given out. */
  consumed = 0;
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  get unread(): number {
    return this.#rest.length;
  }

  /** How many bytes the next frame still lacks; 0 where it is there. */
  get missing(): number {
    if (this.#rest.length < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES - this.#rest.length;
    return Math.max(0, FRAME_HEADER_BYTES + this.#rest.readUInt32LE(0) - this.#rest.length);
  }

  /** The next batch; null where it is incomplete, "damaged" where its checksum says that it is not what was written. */
  next(): Buffer | null | "damaged" {
    if (this.missing > 0) return null;
    const header = this.#rest.subarray(0, FRAME_HEADER_BYTES);
    const end = FRAME_HEADER_BYTES + header.readUInt32LE(0);
    const batch = this.#rest.subarray(FRAME_HEADER_BYTES, end);
    if (header.readUInt32LE(4) !== checksum(header, [batch])) return "damaged";
    this.#rest = this.#rest.subarray(end);
    this.consumed += end;
    return batch;
  }
}

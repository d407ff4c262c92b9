import { CommandFault } from "../bson/fault.ts";

export const MAX_MESSAGE_BYTES = 48_000_000;
export const HEADER_BYTES = 16;

const EMPTY = Buffer.alloc(0);

/** Splits the byte stream of one connection into messages. */
export class FrameReader {
  /** Received bytes that were not returned yet are between start and end. */
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** True if the buffer was allocated here and has room after the end; false for a received chunk. */
  #isOwn = false;

  get buffered(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    if (this.buffered === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#isOwn = false;
      return;
    }
    if (!this.#isOwn || this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * Returns the next complete message with its header; null while it is incomplete.
   *
   * @throws CommandFault 17 for an invalid length: the stream cannot be read further
   */
  next(): Buffer | null {
    if (this.buffered < HEADER_BYTES) return null;
    const length = this.#bytes.readInt32LE(this.#start);
    if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) {
      throw new CommandFault(
        17,
        `a message of ${length} bytes: ${HEADER_BYTES} to ${MAX_MESSAGE_BYTES} are allowed`,
      );
    }
    if (this.buffered < length) return null;
    const message = this.#bytes.subarray(this.#start, this.#start + length);
    this.#start += length;
    if (this.buffered === 0) this.#bytes = EMPTY;
    return message;
  }

  /**
   * Copies the received bytes into a buffer of twice the size: joining the 700 chunks of a message of 48 MB at
   * its end would take 30 ms. Memory is allocated for received bytes, never for a length that a header claims.
   */
  #makeRoom(wanted: number): void {
    const { buffered } = this;
    const room = Buffer.allocUnsafeSlow((buffered + wanted) * 2);
    this.#bytes.copy(room, 0, this.#start, this.#end);
    this.#bytes = room;
    this.#start = 0;
    this.#end = buffered;
    this.#isOwn = true;
  }
}

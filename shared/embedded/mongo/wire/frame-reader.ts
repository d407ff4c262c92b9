import { CommandFault } from "../bson/fault.ts";

export const MAX_MESSAGE_BYTES = 48_000_000;
export const HEADER_BYTES = 16;

/** Cuts the byte stream of one connection into messages. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;

  get buffered(): number {
    return this.#buffered;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * The next complete message, its header included; null while it is incomplete.
   * Memory is taken for bytes that came, never for bytes that a header announces.
   *
   * @throws CommandFault 17 where the stated length cannot be: the stream cannot be read on then
   */
  next(): Buffer | null {
    if (this.#buffered < HEADER_BYTES) return null;
    if (this.#chunks[0]!.length < HEADER_BYTES) this.#join();
    const length = this.#chunks[0]!.readInt32LE(0);
    if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) {
      throw new CommandFault(
        17,
        `a message of ${length} bytes: ${HEADER_BYTES} to ${MAX_MESSAGE_BYTES} are allowed`,
      );
    }
    if (this.#buffered < length) return null;
    if (this.#chunks[0]!.length < length) this.#join();
    const first = this.#chunks[0]!;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    this.#buffered -= length;
    return first.length === length ? first : first.subarray(0, length);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

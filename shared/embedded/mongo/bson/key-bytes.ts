import { GrowingBuffer } from "./growing-buffer.ts";

/** Bytes of a key: numbers with the most significant byte first, text with a terminator that sorts before any further text. */
export class KeyBytes extends GrowingBuffer {
  put(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Four bytes; room for them has been reserved. */
  put4(value: number): void {
    const at = this.length;
    const { bytes } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.length = at + 4;
  }

  put8(value: bigint): void {
    this.reserve(8);
    this.put4(Number(value >> 32n));
    this.put4(Number(value & 0xffffffffn));
  }

  putText(text: string): void {
    this.reserve(text.length * 3 + 2);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit === 0 || unit > 127) {
        this.#putRareText(text);
        return;
      }
      bytes[at++] = unit;
    }
    this.length = at;
    this.#putEnd();
  }

  /**
   * Appends a tag and the UTF-8 text at these bytes. Returns false, and appends nothing, if the text contains a zero or
   * is not ASCII.
   */
  putAscii(tag: number, { bytes, start, end }: { bytes: Uint8Array; start: number; end: number }): boolean {
    this.reserve(end - start + 3);
    const own = this.bytes;
    let at = this.length;
    own[at++] = tag;
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      if (byte === 0 || byte > 127) return false;
      own[at++] = byte;
    }
    this.length = at;
    this.#putEnd();
    return true;
  }

  #putRareText(text: string): void {
    text.split("\0").forEach((part, index) => {
      this.reserve(part.length * 3 + 2);
      if (index > 0) {
        this.bytes[this.length++] = 0;
        this.bytes[this.length++] = 0xff;
      }
      this.length += this.bytes.write(part, this.length, "utf8");
    });
    this.#putEnd();
  }

  /** Sorts before every byte that can follow inside the text: a zero byte is written as `00 FF`. */
  #putEnd(): void {
    this.reserve(2);
    this.bytes[this.length++] = 0;
    this.bytes[this.length++] = 1;
  }

  /** Complements the bytes from `start` on, which reverses their order. */
  invert(start: number): void {
    const { bytes } = this;
    for (let at = start; at < this.length; at++) bytes[at] = ~bytes[at]!;
  }
}

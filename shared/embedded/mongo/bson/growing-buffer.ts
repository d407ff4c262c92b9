/** Bytes to write into: reserve before each write, then advance `length`. */
export class GrowingBuffer {
  bytes: Buffer;
  length = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count);
  }

  #grow(least: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, least));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

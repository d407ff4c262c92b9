import { BsonType } from "./bson-type.ts";
import { asciiName } from "./field-names.ts";
import { int32At, skipCString, skipValue } from "./raw.ts";

const { utf8Slice } = Buffer.prototype as unknown as { utf8Slice(start: number, end: number): string };

/**
 * Iterates over the elements of the (valid) document at an offset without decoding them. One cursor replaces an object
 * per element, since a write visits every element of the document that it changes.
 */
export class ElementCursor {
  readonly bytes: Uint8Array;
  type = 0;
  /** First byte of the element: its type. The name follows. */
  start = 0;
  /** First byte of the value. */
  offset = 0;
  /** First byte after the element. */
  end: number;
  /** The zero byte after the last element. */
  readonly close: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.end = offset + 4;
    this.close = offset + int32At(bytes, offset) - 1;
  }

  /** Moves to the next element; false after the last one. */
  next(): boolean {
    const { bytes, end } = this;
    if (end >= this.close) return false;
    this.start = end;
    this.type = bytes[end]!;
    this.offset = skipCString(bytes, end + 1);
    this.end = skipValue(bytes, this.type, this.offset);
    return true;
  }

  /** True at a `Timestamp(0, 0)`, which the server replaces by the time of the write. */
  get isEmptyTimestamp(): boolean {
    const { bytes, type, offset } = this;
    return type === BsonType.timestamp && int32At(bytes, offset) === 0 && int32At(bytes, offset + 4) === 0;
  }

  get name(): string {
    const { bytes, start, offset } = this;
    let hash = 0;
    let seen = 0;
    for (let at = start + 1; at < offset - 1; at++) {
      hash = (hash * 31 + bytes[at]!) | 0;
      seen |= bytes[at]!;
    }
    return seen > 127
      ? utf8Slice.call(bytes, start + 1, offset - 1)
      : asciiName(bytes, { start: start + 1, end: offset - 1, hash });
  }
}

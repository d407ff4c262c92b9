import { BsonType } from "./bson-type.ts";
import { ElementCursor } from "./element-cursor.ts";
import { GrowingBuffer } from "./growing-buffer.ts";
import { int32At } from "./raw.ts";

/** One element to be set: the bytes of its name and value in a message. */
export interface FieldElement {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  /** First byte of the value. */
  readonly offset: number;
  readonly end: number;
  /** The value, an Int32, is added to that of the document instead of replacing it. */
  readonly isAdded: boolean;
}

/** A bit mask records which fields have been found. */
export const MAX_FIELDS = 30;

const out = new GrowingBuffer(16 * 1024);
const KEPT_SIZE = 4 * 1024 * 1024;

function append(bytes: Uint8Array, start: number, end: number): void {
  out.reserve(end - start);
  Buffer.prototype.copy.call(bytes, out.bytes, out.length, start, end);
  out.length += end - start;
}

/** Compares names including the zero that ends them; the types differ if a value changes its type. */
function hasSameName({ bytes, start, offset }: FieldElement, cursor: ElementCursor): boolean {
  const length = offset - start;
  if (cursor.offset - cursor.start !== length) return false;
  for (let i = 1; i < length; i++) if (bytes[start + i] !== cursor.bytes[cursor.start + i]) return false;
  return true;
}

function hasSameBytes({ bytes, start, end }: FieldElement, cursor: ElementCursor): boolean {
  const length = end - start;
  if (cursor.end - cursor.start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== cursor.bytes[cursor.start + i]) return false;
  return true;
}

function indexOfField(fields: readonly FieldElement[], cursor: ElementCursor): number {
  for (let i = 0; i < fields.length; i++) if (hasSameName(fields[i]!, cursor)) return i;
  return -1;
}

/** null if the sum would have another type. */
function int32Sum({ bytes, offset }: FieldElement, cursor: ElementCursor): number | null {
  if (cursor.type !== BsonType.int) return null;
  const sum = int32At(bytes, offset) + int32At(cursor.bytes, cursor.offset);
  return sum === (sum | 0) ? sum : null;
}

function appendInt32(value: number): void {
  out.reserve(4);
  out.length = out.bytes.writeInt32LE(value, out.length);
}

/**
 * Sets top-level fields of a stored document and copies everything else as it is; missing fields are
 * appended in the order of `fields`. Returns the names of those that have changed.
 *
 * The new bytes are in a buffer that the next call overwrites: `keep` copies them.
 * Returns null if the document has one of the names twice, or if a sum exceeds an Int32.
 *
 * @param fields of different names, {@link MAX_FIELDS} at most
 */
export function setFields<T>(
  document: Uint8Array,
  fields: readonly FieldElement[],
  keep: (bytes: Uint8Array, length: number) => T,
): { readonly changed: ReadonlySet<string>; readonly kept: T | null } | null {
  out.length = 0;
  const changed = new Set<string>();
  const cursor = new ElementCursor(document);
  let found = 0;
  let copied = 0;
  while (cursor.next()) {
    const at = indexOfField(fields, cursor);
    if (at < 0) continue;
    if (found & (1 << at)) return null;
    found |= 1 << at;
    const field = fields[at]!;
    if (field.isAdded) {
      const sum = int32Sum(field, cursor);
      if (sum === null) return null;
      if (sum === int32At(document, cursor.offset)) continue;
      append(document, copied, cursor.offset);
      appendInt32(sum);
    } else {
      if (hasSameBytes(field, cursor)) continue;
      append(document, copied, cursor.start);
      append(field.bytes, field.start, field.end);
    }
    copied = cursor.end;
    changed.add(field.name);
  }
  append(document, copied, cursor.end);
  for (let at = 0; at < fields.length; at++) {
    if (found & (1 << at)) continue;
    const { bytes, start, end, name } = fields[at]!;
    append(bytes, start, end);
    changed.add(name);
  }
  return { changed, kept: changed.size === 0 ? null : finish(keep) };
}

/**
 * Replaces everything but the first element of a stored document, its `_id`, by the elements of another document;
 * null if that changes nothing. The new bytes are kept as those of {@link setFields}.
 */
export function replaceFields<T>(
  document: Uint8Array,
  { bytes, offset, end }: { bytes: Uint8Array; offset: number; end: number },
  keep: (bytes: Uint8Array, length: number) => T,
): T | null {
  out.length = 0;
  const id = new ElementCursor(document);
  id.next();
  append(document, 0, id.end);
  append(bytes, offset + 4, end - 1);
  const isSame =
    out.length + 1 === document.length &&
    out.bytes.compare(document, id.end, document.length - 1, id.end, out.length) === 0;
  return isSame ? null : finish(keep);
}

function finish<T>(keep: (bytes: Uint8Array, length: number) => T): T {
  out.reserve(1);
  out.bytes[out.length++] = 0;
  out.bytes.writeInt32LE(out.length, 0);
  const kept = keep(out.bytes, out.length);
  if (out.bytes.length > KEPT_SIZE) out.bytes = Buffer.allocUnsafeSlow(16 * 1024);
  return kept;
}

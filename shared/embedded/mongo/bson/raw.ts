import { damaged, decodeValue, MAX_DEPTH } from "./decode.ts";
import { FIXED_SIZE } from "./element-sizes.ts";
import { CommandFault } from "./fault.ts";
import type { BsonValue } from "./values.ts";

/** The position of one element's value in the bytes of a document. */
export interface RawElement {
  readonly type: number;
  /** First byte of the value. */
  readonly offset: number;
  /** First byte after the value. */
  readonly end: number;
}

export const int32At = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** The length field of a document, in bytes. */
export function documentLength(bytes: Uint8Array, offset = 0): number {
  if (offset + 5 > bytes.length) throw damaged("a document needs 5 bytes at least");
  return int32At(bytes, offset);
}

export const skipCString = (bytes: Uint8Array, at: number): number => {
  let end = at;
  while (bytes[end] !== 0) {
    if (end >= bytes.length) throw damaged("a name has no end");
    end++;
  }
  return end + 1;
};

/** The position after the value of type `type` that begins at `at`; checks nothing inside it. */
export function skipValue(bytes: Uint8Array, type: number, at: number): number {
  const fixed = FIXED_SIZE[type]!;
  if (fixed >= 0) return at + fixed;
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      return at + 4 + int32At(bytes, at);
    case 0x03:
    case 0x04:
    case 0x0f:
      return at + int32At(bytes, at);
    case 0x05:
      return at + 5 + int32At(bytes, at);
    case 0x0b:
      return skipCString(bytes, skipCString(bytes, at));
    case 0x0c:
      return at + 4 + int32At(bytes, at) + 12;
    default:
      throw damaged(`unknown type 0x${type.toString(16)}`);
  }
}

/** Length of `name` when the zero-terminated bytes at `at` spell it, else -1. Names beyond ASCII: see `nameBytes`. */
function spells(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return bytes[at + name.length] === 0;
}

const nameCache = new Map<string, Uint8Array>();
function nameBytes(name: string): Uint8Array {
  const cached = nameCache.get(name);
  if (cached) return cached;
  if (nameCache.size > 5_000) nameCache.clear();
  const bytes = new Uint8Array(Buffer.from(name, "utf8"));
  nameCache.set(name, bytes);
  return bytes;
}

/** Finds a field of the (valid) document at `offset` without decoding anything; undefined when it is missing. */
export function findField(bytes: Uint8Array, name: string, offset = 0): RawElement | undefined {
  const wanted = nameBytes(name);
  const close = offset + int32At(bytes, offset) - 1;
  let at = offset + 4;
  while (at < close) {
    const type = bytes[at]!;
    const found = spells(bytes, at + 1, wanted);
    const value = found ? at + 2 + wanted.length : skipCString(bytes, at + 1);
    const end = skipValue(bytes, type, value);
    if (found) return { type, offset: value, end };
    at = end;
  }
  return undefined;
}

/**
 * The element at a dotted path without arrays.
 *
 * `undefined`: the path is missing. `"array"`: the path passes or ends at an array, so the caller must decode the
 * document and apply the array rules.
 */
export function elementAt(bytes: Uint8Array, path: readonly string[]): RawElement | undefined | "array" {
  let offset = 0;
  for (let i = 0; i < path.length; i++) {
    const element = findField(bytes, path[i]!, offset);
    if (element === undefined) return undefined;
    if (element.type === 0x04) return "array";
    if (i === path.length - 1) return element;
    if (element.type !== 0x03) return undefined;
    offset = element.offset;
  }
  return undefined;
}

/** The value at a dotted path, decoded alone; see {@link elementAt}. */
export function rawPath(
  bytes: Uint8Array,
  path: readonly string[],
): { value: BsonValue | undefined } | "array" {
  const element = elementAt(bytes, path);
  if (element === undefined) return MISSING;
  return element === "array" ? element : { value: decodeValue(bytes, element) };
}
const MISSING = { value: undefined };

/** Iterates over the elements of the (valid) document at `offset` in order, decoding names only. */
export function* rawFields(bytes: Uint8Array, offset = 0): Generator<readonly [string, RawElement]> {
  const close = offset + int32At(bytes, offset) - 1;
  let at = offset + 4;
  while (at < close) {
    const type = bytes[at]!;
    const value = skipCString(bytes, at + 1);
    const end = skipValue(bytes, type, value);
    yield [Buffer.prototype.toString.call(bytes, "utf8", at + 1, value - 1), { type, offset: value, end }];
    at = end;
  }
}

interface Frame {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly depth: number;
}

function checkText(bytes: Uint8Array, at: number, end: number): void {
  if (at + 5 > end) throw damaged("a string is cut short");
  const length = int32At(bytes, at);
  if (length < 1 || at + 4 + length > end) throw damaged(`a string of length ${length}`);
  if (bytes[at + 3 + length] !== 0) throw damaged("a string has no end");
}

function checkCString(bytes: Uint8Array, at: number, end: number): number {
  const after = bytes.indexOf(0, at) + 1;
  if (after === 0 || after > end) throw damaged("a name has no end");
  return after;
}

function checkValue(type: number, at: number, { bytes, end, depth }: Frame): number {
  const fixed = FIXED_SIZE[type]!;
  if (fixed >= 0) {
    if (at + fixed > end) throw damaged("a value is cut short");
    if (type === 0x08 && bytes[at]! > 1) throw damaged(`a boolean of ${bytes[at]}`);
    return at + fixed;
  }
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      checkText(bytes, at, end);
      break;
    case 0x0c:
      checkText(bytes, at, end);
      if (at + 16 + int32At(bytes, at) > end) throw damaged("a pointer is cut short");
      break;
    case 0x03:
    case 0x04:
      return checkDocument(at, { bytes, end, depth: depth + 1 });
    case 0x05:
      if (at + 5 > end || int32At(bytes, at) < 0 || at + 5 + int32At(bytes, at) > end)
        throw damaged("binary data is cut short");
      break;
    case 0x0b:
      return checkCString(bytes, checkCString(bytes, at, end), end);
    case 0x0f:
      return checkCodeWithScope(at, { bytes, end, depth });
  }
  return skipValue(bytes, type, at);
}

function checkCodeWithScope(at: number, { bytes, end, depth }: Frame): number {
  if (at + 14 > end) throw damaged("code with scope is cut short");
  const close = at + int32At(bytes, at);
  if (close < at + 14 || close > end) throw damaged("code with scope has a wrong length");
  checkText(bytes, at + 4, close);
  const scope = skipValue(bytes, 0x02, at + 4);
  if (checkDocument(scope, { bytes, end: close, depth: depth + 1 }) !== close)
    throw damaged("code with scope has a wrong length");
  return close;
}

function checkDocument(offset: number, { bytes, end, depth }: Frame): number {
  if (depth > MAX_DEPTH) throw new CommandFault(15, `BSON nesting exceeds ${MAX_DEPTH} levels`);
  if (offset + 5 > end) throw damaged("a document needs 5 bytes at least");
  const length = int32At(bytes, offset);
  const close = offset + length - 1;
  if (length < 5 || close >= end)
    throw damaged(`a document of ${length} bytes where ${end - offset} are left`);
  if (bytes[close] !== 0) throw damaged("a document has no end");
  let at = offset + 4;
  while (at < close) {
    const type = bytes[at]!;
    at = checkValue(type, checkCString(bytes, at + 1, close), { bytes, end: close, depth });
  }
  if (at !== close) throw damaged("a document ends early");
  return close + 1;
}

/**
 * Checks lengths, terminators, types and nesting of the document at `offset` without decoding it, and returns the
 * position after it. Every other function of this module and `decodeDocument` can read a document that passes.
 *
 * @throws CommandFault 22 for invalid BSON, 15 for nesting beyond the limit
 */
export function validateDocument(bytes: Uint8Array, offset = 0, end = bytes.length): number {
  return checkDocument(offset, { bytes, end, depth: 0 });
}

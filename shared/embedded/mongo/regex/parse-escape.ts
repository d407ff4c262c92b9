import { type CharSet, complement, LAST_CODE_POINT } from "./char-set.ts";
import { propertySet, TYPE_ESCAPES } from "./named-sets.ts";
import type { PatternReader } from "./pattern-reader.ts";

const CONTROL_ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};

/** Reads the set of an escape such as `\d` or `\p{L}` after its backslash; undefined for any other escape. */
export function readTypeEscape(reader: PatternReader): CharSet | undefined {
  const letter = reader.next;
  const set = TYPE_ESCAPES[letter];
  if (set !== undefined) {
    reader.take();
    return set;
  }
  if (letter !== "p" && letter !== "P") return undefined;
  reader.take();
  return readProperty(reader, letter === "P");
}

function readProperty(reader: PatternReader, isNegated: boolean): CharSet {
  const braced = reader.skip("{");
  const name = (braced ? reader.until("}", "a property") : reader.take()).replaceAll(" ", "");
  const isInverted = braced && name.startsWith("^");
  const set = propertySet(isInverted ? name.slice(1) : name);
  if (set === undefined) throw reader.invalid("unknown property after \\P or \\p");
  return isNegated === isInverted ? set : complement(set);
}

/** Reads the code point of an escape after its backslash; undefined for an escape of another kind. */
export function readCharEscape(reader: PatternReader): number | undefined {
  const letter = reader.next;
  if (letter === "") throw reader.invalid("\\ at end of pattern");
  const control = CONTROL_ESCAPES[letter];
  if (control !== undefined) {
    reader.take();
    return control;
  }
  if (/[0-9]/.test(letter)) return readOctal(reader);
  if (!/[A-Za-z]/.test(letter)) return reader.take().codePointAt(0)!;
  return readNumberedEscape(reader, letter);
}

/** A zero and up to two octal digits; the meaning of other digits depends on their position. */
function readOctal(reader: PatternReader): number | undefined {
  const digits = reader.match(/0[0-7]{0,2}/y);
  return digits && Number.parseInt(digits[0], 8);
}

function readNumberedEscape(reader: PatternReader, letter: string): number | undefined {
  switch (letter) {
    case "x":
      reader.take();
      if (reader.skip("{")) return readBraced(reader, { radix: 16, digits: /^[0-9a-fA-F]+$/, name: "\\x{}" });
      return Number.parseInt(reader.match(/[0-9a-fA-F]{0,2}/y)![0] || "0", 16);
    case "o":
      reader.take();
      if (!reader.skip("{")) throw reader.invalid("missing opening brace after \\o");
      return readBraced(reader, { radix: 8, digits: /^[0-7]+$/, name: "\\o{}" });
    case "c": {
      reader.take();
      const key = reader.take();
      if (!/^[\x20-\x7e]$/.test(key))
        throw reader.invalid("\\c must be followed by a printable ASCII character");
      return key.toUpperCase().charCodeAt(0) ^ 0x40;
    }
    case "N":
      if (!reader.skip("N{U+")) return undefined;
      return readBraced(reader, { radix: 16, digits: /^[0-9a-fA-F]+$/, name: "\\N{U+}" });
    default:
      return undefined;
  }
}

function readBraced(
  reader: PatternReader,
  { radix, digits, name }: { radix: number; digits: RegExp; name: string },
): number {
  const text = reader.until("}", name).trim();
  if (!digits.test(text)) throw reader.invalid(`non-digit character, or no digit, in ${name}`);
  const codePoint = Number.parseInt(text, radix);
  if (codePoint > LAST_CODE_POINT) throw reader.invalid(`character code point value in ${name} is too large`);
  if (codePoint >= 0xd800 && codePoint <= 0xdfff)
    throw reader.invalid("disallowed Unicode code point (>= 0xd800 && <= 0xdfff)");
  return codePoint;
}

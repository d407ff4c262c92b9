import { withCaseVariants } from "./case-folding.ts";
import { type CharSet, charSet, complement, single, union } from "./char-set.ts";
import { POSIX_CLASSES } from "./named-sets.ts";
import { readCharEscape, readTypeEscape } from "./parse-escape.ts";
import type { PatternReader } from "./pattern-reader.ts";

export interface ClassOptions {
  readonly ignoresCase: boolean;
  /** Spaces and tabs in classes are ignored (`xx`). */
  readonly ignoresBlanks: boolean;
}

/** One character, or a set that cannot be the end of a range. */
type Item = number | CharSet;

/** Reads a class after its opening bracket. */
export function readClass(reader: PatternReader, options: ClassOptions): CharSet {
  if (reader.match(/\[:[<>]:\]\]/y)) throw reader.unsupported("the word boundary [[:<:]] or [[:>:]]");
  const isNegated = reader.skip("^");
  const characters: number[] = [];
  const sets: CharSet[] = [];
  const parser = new ClassParser(reader, options);
  for (let item = parser.item(true); item !== undefined; item = parser.item()) {
    if (typeof item !== "number") {
      sets.push(item);
      parser.refuseRangeFromSet();
    } else characters.push(item, parser.rangeEnd(item));
  }
  const own = charSet(...characters);
  const set = union(options.ignoresCase ? withCaseVariants(own) : own, ...sets);
  return isNegated ? complement(set) : set;
}

class ClassParser {
  readonly #reader: PatternReader;
  readonly #options: ClassOptions;
  #isQuoting = false;

  constructor(reader: PatternReader, options: ClassOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** The next item; undefined at the closing bracket, which is consumed. */
  item(isFirst = false): Item | undefined {
    const reader = this.#reader;
    this.#skipIgnored();
    if (reader.isAtEnd) throw reader.invalid("missing terminating ] for character class");
    if (this.#isQuoting) return reader.take().codePointAt(0)!;
    if (!isFirst && reader.skip("]")) return undefined;
    if (reader.next === "[") {
      const posix = this.#posixClass();
      if (posix !== undefined) return posix;
    }
    if (!reader.skip("\\")) return reader.take().codePointAt(0)!;
    return this.#escape();
  }

  /** The last character of a range that begins with `low`; `low` itself if there is none. */
  rangeEnd(low: number): number {
    const reader = this.#reader;
    this.#skipIgnored();
    const hyphen = reader.at;
    if (this.#isQuoting || !reader.skip("-")) return low;
    this.#skipIgnored();
    if (!this.#isQuoting && (reader.next === "]" || reader.isAtEnd)) {
      reader.at = hyphen;
      return low;
    }
    const high = this.item();
    if (typeof high !== "number") throw reader.invalid("invalid range in character class");
    if (high < low) throw reader.invalid("range out of order in character class");
    return high;
  }

  refuseRangeFromSet(): void {
    const reader = this.#reader;
    this.#skipIgnored();
    if (this.#isQuoting || !reader.match(/-(?!\])/y)) return;
    throw reader.invalid("invalid range in character class");
  }

  #skipIgnored(): void {
    const reader = this.#reader;
    for (;;) {
      if (this.#isQuoting ? reader.skip("\\E") : reader.skip("\\Q")) this.#isQuoting = !this.#isQuoting;
      else if (this.#isQuoting) return;
      else if (!reader.skip("\\E") && !(this.#options.ignoresBlanks && reader.match(/[ \t]/y))) return;
    }
  }

  #posixClass(): CharSet | undefined {
    const reader = this.#reader;
    if (reader.match(/\[([.=])[^\]]*?\1\]/y))
      throw reader.invalid("POSIX collating elements are not supported");
    const found = reader.match(/\[:(\^?)([a-zA-Z]+):\]/y);
    if (found === undefined) return undefined;
    const [, negation, name] = found as unknown as [string, string, string];
    const isCased = name === "upper" || name === "lower";
    const set = POSIX_CLASSES[isCased && this.#options.ignoresCase ? "alpha" : name];
    if (set === undefined) throw reader.invalid("unknown POSIX class name");
    return negation === "" ? set : complement(set);
  }

  #escape(): Item {
    const reader = this.#reader;
    const set = readTypeEscape(reader);
    if (set !== undefined) return set;
    if (reader.skip("b")) return 0x08;
    const octal = reader.match(/[1-7][0-7]{0,2}/y);
    if (octal !== undefined) return Number.parseInt(octal[0], 8);
    const character = readCharEscape(reader);
    if (character !== undefined) return character;
    throw reader.invalid(`escape sequence \\${reader.next} is invalid in character class`);
  }
}

export const singleSet = (codePoint: number, ignoresCase: boolean): CharSet =>
  ignoresCase ? withCaseVariants(single(codePoint)) : single(codePoint);

import type { PatternReader } from "./pattern-reader.ts";

/** The options in effect at a position of a pattern. */
export interface PatternOptions {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
  /** Whitespace in classes is ignored, too. */
  readonly xx: boolean;
  /** Plain parentheses do not capture. */
  readonly n: boolean;
  /** Quantifiers are lazy unless a `?` follows. */
  readonly U: boolean;
}

const NONE: PatternOptions = { i: false, m: false, s: false, x: false, xx: false, n: false, U: false };

export const optionsOf = (flags: string): PatternOptions => ({
  ...NONE,
  i: flags.includes("i"),
  m: flags.includes("m"),
  s: flags.includes("s"),
  x: flags.includes("x"),
});

export interface OptionSetting {
  readonly options: PatternOptions;
  /** True for `(?i:…)`; false for `(?i)`, which applies to the end of the enclosing group. */
  readonly opensGroup: boolean;
}

/** Reads the settings of `(?i-s)` or `(?^m:` after the question mark. */
export function readOptionSetting(reader: PatternReader, current: PatternOptions): OptionSetting {
  const settings = reader.match(/(\^?)([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y);
  if (settings === undefined) throw reader.invalid("unrecognized character after (? or (?-");
  const [, reset, on, off, end] = settings;
  const start = reset === "^" ? { ...NONE, U: current.U } : current;
  const options = changed(changed(start, on!, true, reader), off ?? "", false, reader);
  return { options, opensGroup: end === ":" };
}

function changed(
  options: PatternOptions,
  letters: string,
  value: boolean,
  reader: PatternReader,
): PatternOptions {
  const result: Record<string, boolean> = {};
  for (const letter of letters) {
    if (letter === "J") throw reader.unsupported("the option (?J)");
    if (!"imsxnU".includes(letter)) throw reader.invalid(`unrecognized character after (? or (?-: ${letter}`);
    result[letter] = value;
  }
  if (letters.includes("x")) result.xx = value && letters.includes("xx");
  return { ...options, ...result };
}

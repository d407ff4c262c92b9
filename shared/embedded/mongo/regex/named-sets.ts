import { type CharSet, charSet, complement, union } from "./char-set.ts";

/** ASCII only, as in PCRE without UCP. */
const DIGIT = charSet(0x30, 0x39);
const UPPER = charSet(0x41, 0x5a);
const LOWER = charSet(0x61, 0x7a);
const ALPHA = union(UPPER, LOWER);
const ALNUM = union(ALPHA, DIGIT);
export const WORD = union(ALNUM, charSet(0x5f, 0x5f));
const SPACE = charSet(0x09, 0x0d, 0x20, 0x20);
const GRAPH = charSet(0x21, 0x7e);
export const NEWLINE = charSet(0x0a, 0x0a);
export const NOT_NEWLINE = complement(NEWLINE);
const VERTICAL_SPACE = charSet(0x0a, 0x0d, 0x85, 0x85, 0x2028, 0x2029);
const HORIZONTAL_SPACE = charSet(
  ...[0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e],
  ...[0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000],
);

/** `\d` and the like, by letter; the upper-case letter is the complement. */
export const TYPE_ESCAPES: Readonly<Record<string, CharSet>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
  h: HORIZONTAL_SPACE,
  H: complement(HORIZONTAL_SPACE),
  v: VERTICAL_SPACE,
  V: complement(VERTICAL_SPACE),
};

/** `[:name:]` */
export const POSIX_CLASSES: Readonly<Record<string, CharSet>> = {
  alnum: ALNUM,
  alpha: ALPHA,
  ascii: charSet(0, 0x7f),
  blank: charSet(0x09, 0x09, 0x20, 0x20),
  cntrl: charSet(0, 0x1f, 0x7f, 0x7f),
  digit: DIGIT,
  graph: GRAPH,
  lower: LOWER,
  print: charSet(0x20, 0x7e),
  punct: charSet(0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e),
  space: SPACE,
  upper: UPPER,
  word: WORD,
  xdigit: charSet(0x30, 0x39, 0x41, 0x46, 0x61, 0x66),
};

/** PCRE's own properties, defined by Unicode's. */
const OWN_PROPERTIES: Readonly<Record<string, string>> = {
  Any: "\\p{Any}",
  "L&": "\\p{Lu}\\p{Ll}\\p{Lt}",
  Xan: "\\p{L}\\p{N}",
  Xwd: "\\p{L}\\p{N}_",
  Xsp: "\\p{Z}\\t-\\r",
  Xps: "\\p{Z}\\t-\\r",
};
const properties = new Map<string, CharSet>();
const MAX_PROPERTIES = 200;

/** The code points with a Unicode property, as in `\p{name}`; undefined for an unknown name. */
export function propertySet(name: string): CharSet | undefined {
  const known = properties.get(name);
  if (known !== undefined) return known;
  const pattern = nativeProperty(name);
  if (pattern === undefined) return undefined;
  const set = membersOf(pattern);
  if (properties.size >= MAX_PROPERTIES) properties.clear();
  properties.set(name, set);
  return set;
}

function nativeProperty(name: string): RegExp | undefined {
  const own = OWN_PROPERTIES[name === "L_" ? "L&" : name];
  if (own !== undefined) return new RegExp(`[${own}]+`, "gu");
  const [, kind, spelling] = /^(?:(sc|scx|script|script_extensions)[:=])?([\w-]+)$/i.exec(name) ?? [];
  if (spelling === undefined) return undefined;
  const value = spelling.split(/[_-]/).map(capitalized).join("_");
  const scriptKind = kind?.toLowerCase() === "sc" || kind?.toLowerCase() === "script" ? "Script" : SCRIPTS;
  for (const form of kind === undefined ? [value, `${SCRIPTS}=${value}`] : [`${scriptKind}=${value}`]) {
    try {
      return new RegExp(`\\p{${form}}+`, "gu");
    } catch {
      // Not a property of this kind: try the next.
    }
  }
  return undefined;
}
/** PCRE ignores the case of these names; the runtime does not. */
const capitalized = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
const SCRIPTS = "Script_Extensions";

/** Blocks in which characters are assigned; none holds code points on both sides of U+FFFF, or surrogates. */
const ASSIGNED: readonly (readonly [number, number])[] = [
  [0, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x3ffff],
  [0xe0000, 0xe0fff],
];
/** The others: all members of each have the same properties. */
const UNIFORM: readonly (readonly [number, number])[] = [
  [0x40000, 0xdffff],
  [0xe1000, 0xeffff],
  [0xf0000, 0xffffd],
  [0xffffe, 0xfffff],
  [0x100000, 0x10fffd],
  [0x10fffe, 0x10ffff],
];
/** Less than the number of arguments that a call can take. */
const SLICE = 0x4000;

let assignedTexts: readonly string[] | null = null;

function textOf([first, last]: readonly [number, number]): string {
  let text = "";
  for (let from = first; from <= last; from += SLICE) {
    const length = Math.min(SLICE, last - from + 1);
    text += String.fromCodePoint(...Array.from({ length }, (_, i) => from + i));
  }
  return text;
}

/** In a text of all characters in order, adjacent members form one run. */
function membersOf(pattern: RegExp): CharSet {
  assignedTexts ??= ASSIGNED.map(textOf);
  const ranges: number[] = [];
  for (const text of assignedTexts) {
    for (const [run] of text.matchAll(pattern)) {
      const low = run.codePointAt(0)!;
      ranges.push(low, low + (low > 0xffff ? run.length / 2 : run.length) - 1);
    }
  }
  for (const [low, high] of UNIFORM) {
    pattern.lastIndex = 0;
    if (pattern.test(String.fromCodePoint(low))) ranges.push(low, high);
  }
  return charSet(...ranges);
}

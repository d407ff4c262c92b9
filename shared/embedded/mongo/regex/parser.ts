import { ALL_CHARS, NO_CHARS } from "./char-set.ts";
import { NOT_NEWLINE } from "./named-sets.ts";
import { readClass, singleSet } from "./parse-class.ts";
import { readCharEscape, readTypeEscape } from "./parse-escape.ts";
import { invalidRegex, PatternReader } from "./pattern-reader.ts";
import { type Anchor, type Node, type Pattern, type Repeat, widthOf } from "./syntax.ts";

/** Options that hold from some place in a pattern on. */
interface Options {
  i: boolean;
  m: boolean;
  s: boolean;
  x: boolean;
  xx: boolean;
  /** Plain parentheses do not capture. */
  n: boolean;
  /** Quantifiers are lazy unless a `?` follows. */
  U: boolean;
}

const MOST_NESTING = 250;
const MOST_REPETITIONS = 65_535;
/** As in MongoDB. */
const LONGEST_PATTERN = 32_764;

const ANCHOR_ESCAPES: Readonly<Record<string, Anchor>> = {
  A: "text start",
  z: "text end",
  Z: "last line end",
  b: "word boundary",
  B: "inside or outside a word",
};
const LONG_NAMES: Readonly<Record<string, string>> = {
  pla: "?=",
  positive_lookahead: "?=",
  nla: "?!",
  negative_lookahead: "?!",
  plb: "?<=",
  positive_lookbehind: "?<=",
  nlb: "?<!",
  negative_lookbehind: "?<!",
  atomic: "?>",
};

/**
 * Parses a pattern in the syntax of PCRE2, as MongoDB 7.0 sets it: UTF, without UCP, lines end at "\n".
 *
 * @throws CommandFault 51091 for a pattern that is wrong, and for constructs that this server does not have, by name
 */
export function parsePattern(text: string, flags: string): Pattern {
  if (text.length > LONGEST_PATTERN) throw invalidRegex("it is too long");
  if (text.includes("\0")) throw invalidRegex("it contains a zero character");
  return new Parser(text, flags).parse();
}

class Parser {
  readonly #reader: PatternReader;
  #options: Options;
  #captures = 0;
  #depth = 0;
  #isQuoting = false;
  readonly #names = new Map<string, number>();
  readonly #references: { readonly index: number | string; readonly resolve: (index: number) => void }[] = [];

  constructor(text: string, flags: string) {
    this.#reader = new PatternReader(text);
    const has = (flag: string) => flags.includes(flag);
    this.#options = { i: has("i"), m: has("m"), s: has("s"), x: has("x"), xx: false, n: false, U: false };
  }

  parse(): Pattern {
    this.#leadingVerbs();
    const root = this.#choice();
    if (!this.#reader.isAtEnd) throw this.#reader.invalid("unmatched closing parenthesis");
    for (const { index, resolve } of this.#references) {
      const known = typeof index === "number" ? index : this.#names.get(index);
      if (known === undefined || known < 1 || known > this.#captures)
        throw invalidRegex("reference to non-existent subpattern");
      resolve(known);
    }
    return { root, captures: this.#captures };
  }

  /** What stands before the pattern proper: settings that hold anyway, or change nothing but the speed. */
  #leadingVerbs(): void {
    while (this.#reader.match(/\(\*(?:UTF8?|LF|NO_AUTO_POSSESS|NO_START_OPT|NO_DOTSTAR_ANCHOR|NO_JIT)\)/y));
  }

  #choice(): Node {
    const branches = [this.#sequence()];
    while (this.#reader.skip("|")) branches.push(this.#sequence());
    return branches.length === 1 ? branches[0]! : { kind: "choice", branches };
  }

  #sequence(): Node {
    const reader = this.#reader;
    const parts: Node[] = [];
    let isRepeatable = false;
    for (;;) {
      this.#skipIgnored();
      if (reader.isAtEnd || (!this.#isQuoting && /[|)]/.test(reader.next))) break;
      const repeat = this.#isQuoting ? undefined : this.#quantifier();
      if (repeat !== undefined) {
        if (!isRepeatable) throw reader.invalid("quantifier does not follow a repeatable item");
        parts.push(this.#repeated(parts.pop()!, repeat));
        isRepeatable = false;
        continue;
      }
      const isGroup = reader.next === "(";
      const part = this.#isQuoting ? this.#literal(reader.take().codePointAt(0)!) : this.#atom();
      isRepeatable = part !== undefined && (isGroup || part.kind !== "anchor");
      if (part !== undefined) parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  /** Comments, the blanks of extended patterns, and the marks of quotations. */
  #skipIgnored(): void {
    const reader = this.#reader;
    for (;;) {
      if (this.#isQuoting) {
        if (!reader.skip("\\E")) return;
        this.#isQuoting = false;
      } else if (reader.skip("\\Q")) this.#isQuoting = true;
      else if (reader.skip("(?#")) reader.until(")", "a comment");
      else if (
        !reader.skip("\\E") &&
        !(this.#options.x && reader.match(/[\t-\r \x85\u200e\u200f\u2028\u2029]|#[^\n]*\n?/y))
      )
        return;
    }
  }

  #quantifier(): Pick<Repeat, "min" | "max"> | undefined {
    const reader = this.#reader;
    if (reader.skip("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (reader.skip("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (reader.skip("?")) return { min: 0, max: 1 };
    const counted = reader.match(/\{(\d+)(?:(,)(\d*))?\}/y);
    if (counted === undefined) return undefined;
    const [, least, comma, most] = counted;
    const min = Number(least);
    const max = comma === undefined ? min : most === "" ? Number.POSITIVE_INFINITY : Number(most);
    if (min > MOST_REPETITIONS || (max > MOST_REPETITIONS && max !== Number.POSITIVE_INFINITY))
      throw reader.invalid("number too big in {} quantifier");
    if (min > max) throw reader.invalid("numbers out of order in {} quantifier");
    return { min, max };
  }

  #repeated(body: Node, { min, max }: Pick<Repeat, "min" | "max">): Node {
    const reader = this.#reader;
    const isPossessive = reader.skip("+");
    const isLazy = !isPossessive && reader.skip("?") !== this.#options.U;
    const repeat: Node = { kind: "repeat", body, min, max, isLazy };
    return isPossessive ? { kind: "atomic", body: { ...repeat, isLazy: false } } : repeat;
  }

  /** The next item; undefined for one that only changes options. */
  #atom(): Node | undefined {
    const reader = this.#reader;
    const { i, m, s, xx } = this.#options;
    if (reader.skip("(")) return this.#group();
    if (reader.skip("["))
      return { kind: "set", set: readClass(reader, { ignoresCase: i, ignoresBlanks: xx }) };
    if (reader.skip(".")) return { kind: "set", set: s ? ALL_CHARS : NOT_NEWLINE };
    if (reader.skip("^")) return anchor(m ? "line start" : "text start");
    if (reader.skip("$")) return anchor(m ? "line end" : "last line end");
    if (reader.skip("\\")) return this.#escape();
    return this.#literal(reader.take().codePointAt(0)!);
  }

  #literal(codePoint: number): Node {
    return { kind: "set", set: singleSet(codePoint, this.#options.i) };
  }

  #escape(): Node {
    const reader = this.#reader;
    const reference = this.#numberedReference() ?? this.#namedReference();
    if (reference !== undefined) return reference;
    const set = readTypeEscape(reader);
    if (set !== undefined) return { kind: "set", set };
    const octal = reader.match(/[1-7][0-7]{0,2}/y);
    if (octal !== undefined) return this.#literal(Number.parseInt(octal[0], 8));
    const character = readCharEscape(reader);
    if (character !== undefined) return this.#literal(character);
    const letter = reader.take();
    const place = ANCHOR_ESCAPES[letter];
    if (place !== undefined) return anchor(place);
    if (letter === "N") {
      if (reader.next === "{" && !/^\{\d/.test(reader.text.slice(reader.at, reader.at + 2)))
        throw reader.invalid("PCRE2 does not support \\N{name}");
      return { kind: "set", set: NOT_NEWLINE };
    }
    if (letter === "R") return ANY_NEWLINE;
    if (/[GKXCg]/.test(letter)) throw reader.unsupported(`\\${letter}`);
    throw reader.invalid(`unrecognized character follows \\: ${letter}`);
  }

  /** `\1`, `\g1`, `\g{1}`, `\g{-1}`. Numbers from 10 on are octal where there are not as many groups before them. */
  #numberedReference(): Node | undefined {
    const reader = this.#reader;
    const start = reader.at;
    const plain = reader.match(/[1-9]\d*/y);
    if (plain !== undefined) {
      const index = Number(plain[0]);
      if (index < 10 || /^[89]/.test(plain[0]) || index <= this.#captures) return this.#reference(index);
      reader.at = start;
      return undefined;
    }
    const relative = reader.match(/g\{([-+]?)(\d+)\}|g([-+]?)(\d+)/y);
    if (relative === undefined) return undefined;
    const sign = relative[1] ?? relative[3];
    const number = Number(relative[2] ?? relative[4]);
    if (sign === "-") return this.#reference(this.#captures + 1 - number);
    return this.#reference(sign === "+" ? this.#captures + number : number);
  }

  #namedReference(): Node | undefined {
    const named = this.#reader.match(/(?:k<(\w+)>|k'(\w+)'|[kg]\{(\w+)\})/y);
    const name = named?.slice(1).find((part) => part !== undefined);
    if (name !== undefined) return this.#reference(name);
    if (this.#reader.next === "k") throw this.#reader.invalid("\\k is not followed by a name");
    return undefined;
  }

  #reference(index: number | string): Node {
    const node = { kind: "reference" as const, index: 0, ignoresCase: this.#options.i };
    this.#references.push({ index, resolve: (known) => (node.index = known) });
    return node;
  }

  /** A group behind its opening parenthesis; undefined where it only sets options for what follows. */
  #group(): Node | undefined {
    const reader = this.#reader;
    if (reader.skip("*")) return this.#verb();
    if (!reader.skip("?")) return this.#options.n ? this.#inside(() => this.#choice()) : this.#capture();
    const name = this.#captureName();
    if (name !== undefined) return this.#capture(name);
    const backreference = reader.match(/P=(\w+)\)/y);
    if (backreference !== undefined) return this.#reference(backreference[1]!);
    const special = this.#specialGroup();
    if (special !== undefined) return special;
    this.#refuseOtherGroups();
    return this.#optionGroup();
  }

  #specialGroup(): Node | undefined {
    const reader = this.#reader;
    if (reader.skip(":")) return this.#inside(() => this.#choice());
    if (reader.skip(">")) return { kind: "atomic", body: this.#inside(() => this.#choice()) };
    if (reader.skip("|")) return this.#inside(() => this.#resettingChoice());
    if (reader.skip("=")) return this.#look("ahead", false);
    if (reader.skip("!")) return this.#look("ahead", true);
    if (reader.skip("<=")) return this.#look("behind", false);
    if (reader.skip("<!")) return this.#look("behind", true);
    return undefined;
  }

  #refuseOtherGroups(): void {
    const reader = this.#reader;
    if (reader.match(/R\)|[-+]?\d+\)|&|P>/y)) throw reader.unsupported("recursion");
    if (reader.match(/\(/y)) throw reader.unsupported("a conditional group (?(…)");
    if (reader.match(/C/y)) throw reader.unsupported("a callout (?C)");
    if (reader.match(/[*]/y)) throw reader.unsupported("a non-atomic look-around (?*");
  }

  #verb(): Node {
    const reader = this.#reader;
    const [, name, mark] = reader.match(/([A-Za-z_0-9=]*)(:|\))/y) ?? [];
    const group = mark === ":" ? LONG_NAMES[name!] : undefined;
    if (group !== undefined) {
      if (group === "?>") return { kind: "atomic", body: this.#inside(() => this.#choice()) };
      return this.#look(group.startsWith("?<") ? "behind" : "ahead", group.endsWith("!"));
    }
    if (mark === ")" && (name === "F" || name === "FAIL")) return { kind: "set", set: NO_CHARS };
    throw reader.unsupported(`the verb (*${name ?? ""})`);
  }

  #captureName(): string | undefined {
    const reader = this.#reader;
    const named = reader.match(/(?:P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})')/y);
    if (named !== undefined) return named[1] ?? named[2];
    if (reader.match(/(?:P<|<(?![=!])|')/y)) throw reader.invalid("subpattern name expected");
    return undefined;
  }

  #capture(name?: string): Node {
    this.#captures += 1;
    const index = this.#captures;
    if (name !== undefined) {
      if (this.#names.has(name) && this.#names.get(name) !== index)
        throw this.#reader.invalid("two named subpatterns have the same name (PCRE2_DUPNAMES not set)");
      this.#names.set(name, index);
    }
    return { kind: "capture", index, body: this.#inside(() => this.#choice()) };
  }

  /** `(?|…)`: the groups of each branch have the same numbers. */
  #resettingChoice(): Node {
    const first = this.#captures;
    let most = first;
    const branches: Node[] = [];
    do {
      this.#captures = first;
      branches.push(this.#sequence());
      most = Math.max(most, this.#captures);
    } while (this.#reader.skip("|"));
    this.#captures = most;
    return { kind: "choice", branches };
  }

  #look(direction: "ahead" | "behind", isNegated: boolean): Node {
    const body = this.#inside(() => this.#choice());
    if (direction === "behind") {
      for (const branch of body.kind === "choice" ? body.branches : [body]) {
        const [min, max] = widthOf(branch);
        if (min !== max) throw this.#reader.invalid("lookbehind assertion is not fixed length");
      }
    }
    return { kind: "look", direction, isNegated, body };
  }

  /** What stands up to the closing parenthesis; options that are set inside end there. */
  #inside(read: () => Node): Node {
    const reader = this.#reader;
    if (++this.#depth > MOST_NESTING) throw reader.invalid("parentheses are too deeply nested");
    const before = this.#options;
    this.#options = { ...before };
    const body = read();
    this.#options = before;
    this.#depth -= 1;
    if (!reader.skip(")")) throw reader.invalid("missing closing parenthesis");
    return body;
  }

  /** `(?i)` holds up to the end of the group around it, `(?i:…)` inside of its own. */
  #optionGroup(): Node | undefined {
    const reader = this.#reader;
    const settings = reader.match(/(\^?)([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y);
    if (settings === undefined) throw reader.invalid("unrecognized character after (? or (?-");
    const [, reset, on, off, end] = settings as unknown as string[];
    const changed: Options = { ...this.#options };
    if (reset === "^")
      Object.assign(changed, { i: false, m: false, s: false, x: false, xx: false, n: false });
    this.#setOptions(changed, on!, true);
    this.#setOptions(changed, off ?? "", false);
    if (end === ")") {
      this.#options = changed;
      return undefined;
    }
    return this.#inside(() => {
      this.#options = changed;
      return this.#choice();
    });
  }

  #setOptions(options: Options, letters: string, value: boolean): void {
    for (const letter of letters) {
      if (!"imsxnUJ".includes(letter))
        throw this.#reader.invalid(`unrecognized character after (? or (?-: ${letter}`);
      if (letter === "J") throw this.#reader.unsupported("the option (?J)");
      options[letter as keyof Options] = value;
    }
    if (letters.includes("x")) options.xx = value && letters.includes("xx");
  }
}

const anchor = (place: Anchor): Node => ({ kind: "anchor", anchor: place });
const set = (...codePoints: number[]): Node => ({ kind: "set", set: codePoints });

/** `\R`: "\r\n" is never taken apart. */
const ANY_NEWLINE: Node = {
  kind: "choice",
  branches: [
    { kind: "sequence", parts: [set(0x0d, 0x0d), set(0x0a, 0x0a)] },
    {
      kind: "sequence",
      parts: [set(0x0d, 0x0d), { kind: "look", direction: "ahead", isNegated: true, body: set(0x0a, 0x0a) }],
    },
    set(0x0a, 0x0c, 0x85, 0x85, 0x2028, 0x2029),
  ],
};

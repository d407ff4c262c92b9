import { ALL_CHARS, NO_CHARS } from "./char-set.ts";
import { NOT_NEWLINE } from "./named-sets.ts";
import { readClass, singleSet } from "./parse-class.ts";
import { readCharEscape, readTypeEscape } from "./parse-escape.ts";
import { readGroupOpening } from "./parse-group.ts";
import { readQuantifier } from "./parse-quantifier.ts";
import { readReference } from "./parse-reference.ts";
import { optionsOf, type PatternOptions, readOptionSetting } from "./pattern-options.ts";
import { invalidRegex, PatternReader } from "./pattern-reader.ts";
import { ANY_NEWLINE, type Anchor, type Node, type Pattern, type Repeat, widthOf } from "./syntax.ts";

const MAX_NESTING = 250;
/** As in MongoDB. */
const MAX_PATTERN_LENGTH = 32_764;

const ANCHOR_ESCAPES: Readonly<Record<string, Anchor>> = {
  A: "text start",
  z: "text end",
  Z: "last line end",
  b: "word boundary",
  B: "inside or outside a word",
};
/**
 * Parses a pattern in the syntax of PCRE2 with the options of MongoDB 7.0: UTF, without UCP, lines end at "\n".
 *
 * @throws CommandFault 51091 for an invalid pattern, and for an unsupported construct, which the message names
 */
export function parsePattern(text: string, flags: string): Pattern {
  if (text.length > MAX_PATTERN_LENGTH) throw invalidRegex("it is too long");
  if (text.includes("\0")) throw invalidRegex("it contains a zero character");
  return new Parser(text, flags).parse();
}

class Parser {
  readonly #reader: PatternReader;
  #options: PatternOptions;
  #captures = 0;
  #depth = 0;
  #isQuoting = false;
  readonly #names = new Map<string, number>();
  readonly #references: { readonly index: number | string; readonly resolve: (index: number) => void }[] = [];

  constructor(text: string, flags: string) {
    this.#reader = new PatternReader(text);
    this.#options = optionsOf(flags);
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

  /** Settings before the pattern: those that apply anyway, or affect only the speed. */
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
      const repeat = this.#isQuoting ? undefined : readQuantifier(reader);
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

  /** Skips comments, the whitespace of extended patterns, and quotation marks (`\Q`, `\E`). */
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

  #repeated(body: Node, { min, max }: Pick<Repeat, "min" | "max">): Node {
    const reader = this.#reader;
    const isPossessive = reader.skip("+");
    const isLazy = !isPossessive && reader.skip("?") !== this.#options.U;
    const repeat: Node = { kind: "repeat", body, min, max, isLazy };
    return isPossessive ? { kind: "atomic", body: { ...repeat, isLazy: false } } : repeat;
  }

  /** The next item; undefined for an item that only changes options. */
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
    const reference = readReference(reader, this.#captures);
    if (reference !== undefined) return this.#reference(reference);
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

  #reference(index: number | string): Node {
    const node = { kind: "reference" as const, index: 0, ignoresCase: this.#options.i };
    this.#references.push({ index, resolve: (known) => (node.index = known) });
    return node;
  }

  /** A group after its opening parenthesis; undefined if it only sets options for what follows. */
  #group(): Node | undefined {
    const opening = readGroupOpening(this.#reader, this.#options.n);
    switch (opening.kind) {
      case "capture":
        return this.#capture(opening.name);
      case "plain":
        return this.#inside(() => this.#choice());
      case "atomic":
        return { kind: "atomic", body: this.#inside(() => this.#choice()) };
      case "resetting":
        return this.#inside(() => this.#resettingChoice());
      case "look":
        return this.#look(opening.direction, opening.isNegated);
      case "reference":
        return this.#reference(opening.name);
      case "never":
        return { kind: "set", set: NO_CHARS };
      case "options":
        return this.#optionGroup();
    }
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

  /** Reads up to the closing parenthesis, where options set inside end. */
  #inside(read: () => Node): Node {
    const reader = this.#reader;
    if (++this.#depth > MAX_NESTING) throw reader.invalid("parentheses are too deeply nested");
    const before = this.#options;
    const body = read();
    this.#options = before;
    this.#depth -= 1;
    if (!reader.skip(")")) throw reader.invalid("missing closing parenthesis");
    return body;
  }

  #optionGroup(): Node | undefined {
    const { options, opensGroup } = readOptionSetting(this.#reader, this.#options);
    if (!opensGroup) {
      this.#options = options;
      return undefined;
    }
    return this.#inside(() => {
      this.#options = options;
      return this.#choice();
    });
  }
}

const anchor = (place: Anchor): Node => ({ kind: "anchor", anchor: place });

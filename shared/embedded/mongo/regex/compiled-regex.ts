import { longStep } from "../pacing/long-step.ts";
import { Automaton } from "./automaton.ts";
import { type Spans, searchBacktracking } from "./backtracking.ts";
import { type Cost, costOf, startsAtTextStart } from "./cost.ts";
import { nativeRegex } from "./native.ts";
import { parsePattern } from "./parser.ts";
import { invalidRegex } from "./pattern-reader.ts";
import { compileProgram, type Program } from "./program.ts";
import { type Node, type Pattern, widthOf } from "./syntax.ts";

/** The runtime matches a text only if it needs at most this many steps: about 10 ms. */
const MAX_NATIVE_WAYS = 5_000_000;
/** An automaton needs about a millisecond for it. */
const LONG_TEXT = 50_000;
/** This many steps per character are harmless on any text. */
const MAX_WAYS_EACH = 20;

/**
 * A PCRE pattern, matched by the first of these engines that is safe for the text:
 *
 * 1. the runtime's own regular expressions, if their backtracking is bounded by the length of the text;
 * 2. an automaton, which takes one step per character, for patterns without look-around, atomic group or reference;
 * 3. backtracking that fails after a number of steps.
 *
 * One match takes a tenth of a second at most, except on texts of many megabytes.
 */
export class CompiledRegex {
  readonly #pattern: Pattern;
  readonly #native: RegExp | null;
  /**
   * The longest text for which the runtime is safe. -1 for none, also after the runtime has rejected the pattern as too
   * large (it compiles on first use) or has run out of stack.
   */
  #nativeUpTo: number;
  readonly #isAnchored: boolean;
  readonly #hasOtherSpans: boolean;
  #search: RegExp | null = null;
  #program: Program | null = null;
  #automaton: Automaton | null | undefined;

  /** @throws CommandFault 51091 for an invalid or unsupported pattern */
  constructor(pattern: string, flags: string) {
    this.#pattern = parsePattern(pattern, flags);
    const { root } = this.#pattern;
    this.#native = nativeRegex(root);
    this.#nativeUpTo = this.#native === null ? -1 : longestFor(costOf(root));
    this.#isAnchored = startsAtTextStart(root);
    this.#hasOtherSpans = hasOtherSpans(root, false);
    if (this.#native === null) this.#programOf();
  }

  /** @throws CommandFault 51156 for a match that takes too many steps */
  test(text: string): boolean {
    if (text.length <= this.#nativeUpTo) {
      try {
        return this.#native!.test(text);
      } catch {
        this.#nativeUpTo = -1;
      }
    }
    if (text.length > LONG_TEXT) longStep.isReported = true;
    const automaton = this.#automatonOf();
    return automaton !== null ? automaton.test(text) : this.#backtrack(text, 0) !== null;
  }

  /** The first match at or after a position. @throws CommandFault 51156 */
  find(text: string, from = 0): Spans | null {
    if (!this.#hasOtherSpans && text.length <= this.#nativeUpTo) {
      try {
        return this.#findNative(text, from);
      } catch {
        this.#nativeUpTo = -1;
      }
    }
    // Most texts on which backtracking would take long do not match.
    if (from === 0 && this.#automatonOf()?.test(text) === false) return null;
    return this.#backtrack(text, from);
  }

  #findNative(text: string, from: number): Spans | null {
    const native = this.#native!;
    this.#search ??= new RegExp(native.source, `${native.flags}dg`);
    this.#search.lastIndex = from;
    const found = this.#search.exec(text);
    return found && found.indices!.flatMap((span) => span ?? [-1, -1]);
  }

  #backtrack(text: string, from: number): Spans | null {
    return searchBacktracking(this.#programOf(), text, { from, isAnchored: this.#isAnchored });
  }

  #automatonOf(): Automaton | null {
    if (this.#automaton === undefined) {
      const program = this.#programOf();
      this.#automaton = program.isRegular ? new Automaton(program, this.#isAnchored) : null;
    }
    return this.#automaton;
  }

  #programOf(): Program {
    this.#program ??= compileProgram(this.#pattern.root, this.#pattern.captures);
    if (this.#program === null) throw invalidRegex("regular expression is too large");
    return this.#program;
  }
}

function longestFor({ factor, degree }: Cost): number {
  if (degree <= 1 && factor <= MAX_WAYS_EACH) return Number.POSITIVE_INFINITY;
  return Math.floor((MAX_NATIVE_WAYS / factor) ** (1 / degree));
}

/**
 * Returns true if the runtime matches the same texts as PCRE but other parts of them: its iterations reset the
 * captures of the previous one, and may not be empty.
 */
function hasOtherSpans(node: Node, isRepeated: boolean): boolean {
  switch (node.kind) {
    case "capture":
      return isRepeated || hasOtherSpans(node.body, isRepeated);
    case "repeat":
      return widthOf(node.body)[0] === 0 || hasOtherSpans(node.body, isRepeated || node.max > 1);
    case "look":
    case "atomic":
      return hasOtherSpans(node.body, isRepeated);
    case "sequence":
      return node.parts.some((part) => hasOtherSpans(part, isRepeated));
    case "choice":
      return node.branches.some((branch) => hasOtherSpans(branch, isRepeated));
    default:
      return false;
  }
}

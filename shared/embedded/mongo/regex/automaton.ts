import { type CharSet, contains, LAST_CODE_POINT } from "./char-set.ts";
import { StepLimit } from "./matching-limit.ts";
import { NEWLINE, WORD } from "./named-sets.ts";
import type { Program } from "./program.ts";
import type { Anchor } from "./syntax.ts";

/** The context before a position. */
type Before = "start" | "newline" | "word" | "other";

/** What follows a position: a class of characters, a newline that ends the text, or the end. */
interface Symbol {
  readonly index: number;
  readonly before: Before;
  readonly isEnd: boolean;
  readonly isLastNewline: boolean;
  readonly isNewline: boolean;
  readonly isWord: boolean;
  /** One member that represents the class. */
  readonly codePoint: number;
}

interface State {
  readonly threads: readonly number[];
  readonly before: Before;
  /** Set if the rest of the text cannot change the result. */
  readonly result: boolean | undefined;
  /** By symbol; computed on first use. */
  readonly next: (State | undefined)[];
}
const FOUND: State = { threads: [], before: "other", result: true, next: [] };

/** All states of one pattern together take less than 200 KiB. */
const MAX_TRANSITIONS = 20_000;
/** About 100 ms; only automata that grow with almost each character of a text need so many. */
const MAX_STEPS = 4_000_000;

/**
 * Tests whether a text matches, in time linear in its length: a deterministic automaton whose states are created
 * when first reached, and dropped when there are too many.
 */
export class Automaton {
  readonly #program: Program;
  readonly #isAnchored: boolean;
  readonly #classes: CharacterClasses;
  readonly #symbols: readonly Symbol[];
  readonly #hasAnchors: boolean;
  #states = new Map<string, State>();

  /** @param program a regular one */
  constructor(program: Program, isAnchored: boolean) {
    this.#program = program;
    this.#isAnchored = isAnchored;
    this.#hasAnchors = program.instructions.some(({ op }) => op === "anchor");
    const sets = program.instructions.flatMap((instruction) =>
      instruction.op === "set" ? [instruction.set] : [],
    );
    this.#classes = new CharacterClasses(this.#hasAnchors ? [...sets, WORD, NEWLINE] : sets);
    this.#symbols = symbolsOf(this.#classes);
  }

  /** @throws CommandFault 51156 */
  test(text: string): boolean {
    const limit = new StepLimit(MAX_STEPS);
    const lastNewline = this.#hasAnchors && text.endsWith("\n") ? text.length - 1 : -1;
    const classes = this.#classes;
    const { latin } = classes;
    let state = this.#state([this.#program.start], "start");
    for (let at = 0; at < text.length; at++) {
      let codePoint = text.charCodeAt(at);
      let symbol: number;
      if (codePoint < LATIN) symbol = at === lastNewline ? this.#symbols.length - 2 : latin[codePoint]!;
      else {
        codePoint = text.codePointAt(at)!;
        if (codePoint > 0xffff) at += 1;
        symbol = classes.find(codePoint);
      }
      state = state.next[symbol] ?? this.#step(state, symbol, limit);
      if (state.result !== undefined) return state.result;
    }
    const end = this.#symbols.length - 1;
    return (state.next[end] ?? this.#step(state, end, limit)) === FOUND;
  }

  #state(threads: readonly number[], before: Before): State {
    const key = `${before} ${threads.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size * this.#symbols.length > MAX_TRANSITIONS) this.#states = new Map();
    const result = threads.length === 0 ? false : undefined;
    const state: State = { threads, before, result, next: new Array(this.#symbols.length).fill(undefined) };
    this.#states.set(key, state);
    return state;
  }

  #step(state: State, index: number, limit: StepLimit): State {
    const symbol = this.#symbols[index]!;
    const reached = this.#reachable(state, symbol, limit);
    const next = reached === null ? FOUND : this.#state(reached, this.#hasAnchors ? symbol.before : "other");
    state.next[index] = next;
    return next;
  }

  /** The positions of a state's threads after a symbol; null if one of them has found a match. */
  #reachable({ threads, before }: State, symbol: Symbol, limit: StepLimit): readonly number[] | null {
    const { instructions, start } = this.#program;
    const seen = new Set<number>();
    const next = new Set<number>(this.#isAnchored ? [] : [start]);
    const waiting = [...threads];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = instructions[at]!;
      switch (instruction.op) {
        case "match":
          return null;
        case "set":
          if (!symbol.isEnd && contains(instruction.set, symbol.codePoint)) next.add(instruction.next);
          break;
        case "anchor":
          if (holds(instruction.anchor, before, symbol)) waiting.push(instruction.next);
          break;
        case "split":
        case "loop":
          waiting.push(instruction.next, instruction.other);
          break;
        case "save":
          waiting.push(instruction.next);
          break;
      }
    }
    limit.take(seen.size);
    return [...next].sort((a, b) => a - b);
  }
}

function holds(anchor: Anchor, before: Before, symbol: Symbol): boolean {
  switch (anchor) {
    case "text start":
      return before === "start";
    case "text end":
      return symbol.isEnd;
    case "last line end":
      return symbol.isEnd || symbol.isLastNewline;
    case "line start":
      return before === "start" || (before === "newline" && !symbol.isEnd);
    case "line end":
      return symbol.isEnd || symbol.isNewline;
    case "word boundary":
      return (before === "word") !== symbol.isWord;
    case "inside or outside a word":
      return (before === "word") === symbol.isWord;
  }
}

/** The last two are a newline that ends the text, and the end. */
function symbolsOf({ members }: CharacterClasses): Symbol[] {
  const characters = members.map((codePoint, index): Symbol => {
    const isNewline = codePoint === NEWLINE[0];
    const isWord = contains(WORD, codePoint);
    const before = isNewline ? "newline" : isWord ? "word" : "other";
    return { index, codePoint, before, isNewline, isWord, isEnd: false, isLastNewline: false };
  });
  const none = { isNewline: false, isWord: false, isEnd: false, isLastNewline: false };
  return [
    ...characters,
    {
      ...none,
      index: characters.length,
      codePoint: NEWLINE[0]!,
      before: "newline",
      isNewline: true,
      isLastNewline: true,
    },
    { ...none, index: characters.length + 1, codePoint: -1, before: "other", isEnd: true },
  ];
}

const LATIN = 256;

/** Characters that no set of the pattern distinguishes form one class. */
class CharacterClasses {
  /** One member of each class. */
  readonly members: readonly number[];
  readonly #boundaries: readonly number[];
  /** The class of each character below {@link LATIN}. */
  readonly latin: Uint16Array;
  readonly #classOfSpan: readonly number[];

  constructor(sets: readonly CharSet[]) {
    const boundaries = new Set([0]);
    for (const set of sets) {
      for (let i = 0; i < set.length; i += 2) {
        boundaries.add(set[i]!);
        if (set[i + 1]! < LAST_CODE_POINT) boundaries.add(set[i + 1]! + 1);
      }
    }
    this.#boundaries = [...boundaries].sort((a, b) => a - b);
    const distinct = [...new Map(sets.map((set) => [set.join(), set])).values()];
    const classes = new Map<string, number>();
    const members: number[] = [];
    this.#classOfSpan = this.#boundaries.map((low) => {
      const signature = distinct.map((set) => (contains(set, low) ? "1" : "0")).join("");
      const known = classes.get(signature);
      if (known !== undefined) return known;
      classes.set(signature, members.length);
      return members.push(low) - 1;
    });
    this.members = members;
    this.latin = Uint16Array.from({ length: LATIN }, (_, codePoint) => this.find(codePoint));
  }

  find(codePoint: number): number {
    let low = 0;
    let high = this.#boundaries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#boundaries[middle]! <= codePoint) low = middle;
      else high = middle - 1;
    }
    return this.#classOfSpan[low]!;
  }
}

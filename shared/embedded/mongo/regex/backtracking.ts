import { caseVariants } from "./case-folding.ts";
import { contains } from "./char-set.ts";
import { StepLimit } from "./matching-limit.ts";
import { WORD } from "./named-sets.ts";
import type { Instruction, Program } from "./program.ts";
import type { Anchor } from "./syntax.ts";

/** Where a match and its groups begin and end: two numbers for each, -1 for a group that did not take part. */
export type Spans = readonly number[];

/** 100 to 200 ms. */
const MAX_STEPS = 2_000_000;

/**
 * Executes a program by backtracking, as PCRE does, for patterns that neither native expressions nor an automaton
 * can match. It fails after a number of steps.
 *
 * @throws CommandFault 51156
 */
export function searchBacktracking(
  program: Program,
  text: string,
  { from, isAnchored }: { from: number; isAnchored: boolean },
): Spans | null {
  const run = new Run(program, text, new StepLimit(MAX_STEPS));
  const first = program.instructions[program.start]!;
  for (let at = from; at <= text.length; at += widthAt(text, at)) {
    if (first.op === "set" && !contains(first.set, text.codePointAt(at) ?? -1)) {
      if (isAnchored) return null;
      continue;
    }
    const end = run.run(program.start, at);
    if (end >= 0) return [at, end, ...run.registers.slice(2, (program.captures + 1) * 2)];
    if (isAnchored) return null;
  }
  return null;
}

export const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

class Run {
  readonly registers: number[];
  readonly #instructions: readonly Instruction[];
  readonly #text: string;
  readonly #limit: StepLimit;
  /** Pairs: an instruction and a position to continue at, or `-1 - register` and its former value. */
  readonly #undo: number[] = [];

  constructor(program: Program, text: string, limit: StepLimit) {
    this.registers = new Array(program.registers).fill(-1);
    this.#instructions = program.instructions;
    this.#text = text;
    this.#limit = limit;
  }

  /** Returns the end of the match that begins at a position; -1 if there is none, and then the registers are unchanged. */
  run(start: number, from: number): number {
    const base = this.#undo.length;
    let at = start;
    let position = from;
    for (;;) {
      this.#limit.take(1);
      const instruction = this.#instructions[at]!;
      if (instruction.op === "match") {
        this.#dropAlternatives(base);
        return position;
      }
      const next = this.#carryOut(instruction, position);
      if (next >= 0) {
        position = next;
        at =
          instruction.op === "loop" && this.#isIdle(instruction, position)
            ? instruction.other
            : instruction.next;
        continue;
      }
      if (!this.#goBack(base)) return -1;
      at = this.#undo.pop()!;
      position = this.#undo.pop()!;
    }
  }

  #isIdle({ register }: Instruction & { op: "loop" }, position: number): boolean {
    return this.registers[register] === position;
  }

  /** Restores the registers to the last alternative that is still open; false if there is none. */
  #goBack(base: number): boolean {
    const undo = this.#undo;
    while (undo.length > base && undo.at(-1)! < 0) {
      const register = -1 - undo.pop()!;
      this.registers[register] = undo.pop()!;
    }
    return undo.length > base;
  }

  /** Keeps what has matched and drops the other alternatives; the registers can still be restored. */
  #dropAlternatives(base: number): void {
    const undo = this.#undo;
    let kept = base;
    for (let i = base; i < undo.length; i += 2) {
      if (undo[i + 1]! >= 0) continue;
      undo[kept++] = undo[i]!;
      undo[kept++] = undo[i + 1]!;
    }
    undo.length = kept;
  }

  /** The position after what the instruction matches; -1 if it does not match. */
  #carryOut(instruction: Exclude<Instruction, { op: "match" }>, position: number): number {
    switch (instruction.op) {
      case "set": {
        const codePoint = this.#text.codePointAt(position);
        if (codePoint === undefined || !contains(instruction.set, codePoint)) return -1;
        return position + (codePoint > 0xffff ? 2 : 1);
      }
      case "split":
        this.#undo.push(position, instruction.other);
        return position;
      case "save":
        this.#undo.push(this.registers[instruction.register]!, -1 - instruction.register);
        this.registers[instruction.register] = position;
        return position;
      case "loop":
        return position;
      case "anchor":
        return holdsAt(instruction.anchor, this.#text, position) ? position : -1;
      case "atomic":
        return this.run(instruction.start, position);
      case "look":
        return this.#looks(instruction, position) !== instruction.isNegated ? position : -1;
      case "reference":
        return this.#repeats(instruction, position);
    }
  }

  #looks({ branches, isNegated }: Instruction & { op: "look" }, position: number): boolean {
    const before = this.#undo.length;
    for (const { start, width } of branches) {
      const from = this.#back(position, width);
      if (from < 0 || this.run(start, from) < 0) continue;
      // Captures made inside a negative look-around are dropped.
      if (isNegated) this.#goBack(before);
      return true;
    }
    return false;
  }

  #back(position: number, width: number): number {
    let at = position;
    for (let i = 0; i < width; i++) {
      at -= at >= 2 && this.#text.codePointAt(at - 2)! > 0xffff ? 2 : 1;
      if (at < 0) return -1;
    }
    return at;
  }

  #repeats({ index, ignoresCase }: Instruction & { op: "reference" }, position: number): number {
    const [from, to] = [this.registers[index * 2]!, this.registers[index * 2 + 1]!];
    if (from < 0 || to < 0) return -1;
    const captured = this.#text.slice(from, to);
    this.#limit.take(captured.length);
    if (this.#text.startsWith(captured, position)) return position + captured.length;
    if (!ignoresCase) return -1;
    let at = position;
    for (const wanted of captured) {
      const codePoint = this.#text.codePointAt(at);
      if (codePoint === undefined || !caseVariants(wanted.codePointAt(0)!).includes(codePoint)) return -1;
      at += codePoint > 0xffff ? 2 : 1;
    }
    return at;
  }
}

function holdsAt(anchor: Anchor, text: string, at: number): boolean {
  const isAtEnd = at === text.length;
  switch (anchor) {
    case "text start":
      return at === 0;
    case "text end":
      return isAtEnd;
    case "last line end":
      return isAtEnd || (at === text.length - 1 && text[at] === "\n");
    case "line start":
      return at === 0 || (!isAtEnd && text[at - 1] === "\n");
    case "line end":
      return isAtEnd || text[at] === "\n";
    case "word boundary":
      return isWordAt(text, at - 1) !== isWordAt(text, at);
    case "inside or outside a word":
      return isWordAt(text, at - 1) === isWordAt(text, at);
  }
}

const isWordAt = (text: string, at: number): boolean =>
  at >= 0 && at < text.length && contains(WORD, text.charCodeAt(at));

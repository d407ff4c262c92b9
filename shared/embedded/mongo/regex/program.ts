import type { CharSet } from "./char-set.ts";
import { type Anchor, type Node, type Repeat, widthOf } from "./syntax.ts";

/** One instruction; `next` is the one that follows it. */
export type Instruction =
  | { readonly op: "set"; readonly set: CharSet; next: number }
  | { readonly op: "anchor"; readonly anchor: Anchor; next: number }
  /** Continues at `next`; if that fails, at `other`. */
  | { readonly op: "split"; next: number; other: number }
  /** Stores the position in a register. */
  | { readonly op: "save"; readonly register: number; next: number }
  /** Continues at `next`, or at `other` if nothing has been matched since the register was set. */
  | { readonly op: "loop"; readonly register: number; next: number; other: number }
  | { readonly op: "match" }
  | { readonly op: "atomic"; readonly start: number; next: number }
  | {
      readonly op: "look";
      readonly isNegated: boolean;
      /** Where each branch begins, and how many code points before the position: 0 for a look ahead. */
      readonly branches: readonly { readonly start: number; readonly width: number }[];
      next: number;
    }
  | { readonly op: "reference"; readonly index: number; readonly ignoresCase: boolean; next: number };

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  /** Two for each group (the first is the whole match), then what loops need. */
  readonly registers: number;
  readonly captures: number;
  /** True if an automaton can execute the program in one pass over the text. */
  readonly isRegular: boolean;
}

const MAX_INSTRUCTIONS = 20_000;

/** Compiles a pattern; null if its counted repetitions make it too large. */
export function compileProgram(root: Node, captures: number): Program | null {
  const compiler = new Compiler(captures);
  try {
    const start = compiler.compile(root, compiler.add({ op: "match" }));
    const { instructions, registers, isRegular } = compiler;
    return { instructions, start, registers, captures, isRegular };
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

class TooLarge extends Error {}

/** Compiles from the end: each node is given the instruction that follows it, and returns the one it begins with. */
class Compiler {
  readonly instructions: Instruction[] = [];
  isRegular = true;
  registers: number;

  constructor(captures: number) {
    this.registers = (captures + 1) * 2;
  }

  add(instruction: Instruction): number {
    if (this.instructions.length >= MAX_INSTRUCTIONS) throw new TooLarge();
    return this.instructions.push(instruction) - 1;
  }

  compile(node: Node, next: number): number {
    switch (node.kind) {
      case "set":
        return this.add({ op: "set", set: node.set, next });
      case "anchor":
        return this.add({ op: "anchor", anchor: node.anchor, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => this.compile(part, after), next);
      case "choice":
        return node.branches
          .map((branch) => this.compile(branch, next))
          .reduceRight((other, start) => this.add({ op: "split", next: start, other }));
      case "capture": {
        const end = this.add({ op: "save", register: node.index * 2 + 1, next });
        return this.add({ op: "save", register: node.index * 2, next: this.compile(node.body, end) });
      }
      case "repeat":
        return this.#repeat(node, next);
      case "atomic":
        this.isRegular = false;
        return this.add({ op: "atomic", start: this.#apart(node.body), next });
      case "look":
        return this.#look(node, next);
      case "reference":
        this.isRegular = false;
        return this.add({ op: "reference", index: node.index, ignoresCase: node.ignoresCase, next });
    }
  }

  #apart(node: Node): number {
    return this.compile(node, this.add({ op: "match" }));
  }

  #look({ direction, isNegated, body }: Node & { kind: "look" }, next: number): number {
    this.isRegular = false;
    const behind = direction === "behind";
    const branches = behind && body.kind === "choice" ? body.branches : [body];
    return this.add({
      op: "look",
      isNegated,
      branches: branches.map((branch) => ({
        start: this.#apart(branch),
        width: behind ? widthOf(branch)[0] : 0,
      })),
      next,
    });
  }

  #repeat(node: Repeat, next: number): number {
    const { body, min, max } = node;
    let start = next;
    if (max === Number.POSITIVE_INFINITY) start = this.#unbounded(node, next);
    else for (let i = min; i < max; i++) start = this.#split(node, this.compile(body, start), next);
    for (let i = 0; i < min; i++) start = this.compile(body, start);
    return start;
  }

  #split({ isLazy }: Repeat, body: number, next: number): number {
    return this.add(isLazy ? { op: "split", next, other: body } : { op: "split", next: body, other: next });
  }

  #unbounded(node: Repeat, next: number): number {
    const split = { op: "split" as const, next, other: next };
    const start = this.add(split);
    if (widthOf(node.body)[0] > 0) this.#enter(node, split, this.compile(node.body, start));
    else {
      // An empty iteration is the last one.
      const register = this.registers++;
      const end = this.add({ op: "loop", register, next: start, other: next });
      this.#enter(node, split, this.add({ op: "save", register, next: this.compile(node.body, end) }));
    }
    return start;
  }

  #enter({ isLazy }: Repeat, split: { next: number; other: number }, body: number): void {
    if (isLazy) split.other = body;
    else split.next = body;
  }
}

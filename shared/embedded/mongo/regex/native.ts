import { type CharSet, complement, LAST_CODE_POINT } from "./char-set.ts";
import type { Anchor, Node, Repeat } from "./syntax.ts";

/** The anchors without the flag `m`, under which `^` and `$` are the ends of the text. */
const ANCHORS: Readonly<Record<Anchor, string>> = {
  "text start": "^",
  "text end": "$",
  "last line end": "(?=\\n?$)",
  // A newline at the end of the text does not begin a line.
  "line start": "(?:^|(?<=\\n)(?!$))",
  "line end": "(?=\\n|$)",
  "word boundary": "\\b",
  "inside or outside a word": "\\B",
};

/**
 * The same pattern as a regular expression of the runtime; null for one with atomic groups, which the runtime
 * lacks, or references: in the runtime, a reference to a group that is not set matches.
 */
export function nativeRegex(root: Node): RegExp | null {
  const printer = new Printer();
  const source = printer.print(root);
  if (source === null) return null;
  try {
    return new RegExp(source, printer.needsUnicode ? "u" : "");
  } catch {
    // Too large for the runtime: the other engines match it.
    return null;
  }
}

class Printer {
  needsUnicode = false;

  print(node: Node): string | null {
    switch (node.kind) {
      case "set":
        return this.#set(node.set);
      case "anchor":
        return ANCHORS[node.anchor];
      case "sequence":
        return this.#joined(node.parts, "");
      case "choice":
        return wrap("(?:", this.#joined(node.branches, "|"));
      case "capture":
        return wrap("(", this.print(node.body));
      case "look":
        return wrap(
          `(?${node.direction === "behind" ? "<" : ""}${node.isNegated ? "!" : "="}`,
          this.print(node.body),
        );
      case "repeat":
        return this.#repeat(node);
      case "atomic":
      case "reference":
        return null;
    }
  }

  #joined(nodes: readonly Node[], separator: string): string | null {
    const texts: string[] = [];
    for (const node of nodes) {
      const text = this.print(node);
      if (text === null) return null;
      texts.push(text);
    }
    return texts.join(separator);
  }

  #repeat({ body, min, max, isLazy }: Repeat): string | null {
    const text = body.kind === "set" ? this.print(body) : wrap("(?:", this.print(body));
    if (text === null) return null;
    return `${text}${quantifier(min, max)}${isLazy ? "?" : ""}`;
  }

  #set(set: CharSet): string {
    if (set.length === 0) return "[]";
    // Surrogates are not characters: a set beyond them must read a pair as one character.
    if (set.at(-1)! >= 0xd800) this.needsUnicode = true;
    if (set.length === 2 && set[0] === set[1]) return character(set[0]!);
    if (set.at(-1) !== LAST_CODE_POINT) return `[${ranges(set)}]`;
    return `[^${ranges(complement(set))}]`;
  }
}

const wrap = (opening: string, body: string | null): string | null =>
  body === null ? null : `${opening}${body})`;

function quantifier(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return min === 0 && max === 1 ? "?" : `{${min},${max}}`;
}

function ranges(set: CharSet): string {
  let text = "";
  for (let i = 0; i < set.length; i += 2)
    text += set[i] === set[i + 1] ? character(set[i]!) : `${character(set[i]!)}-${character(set[i + 1]!)}`;
  return text;
}

function character(codePoint: number): string {
  const text = String.fromCodePoint(codePoint);
  if (/[0-9A-Za-z _]/.test(text)) return text;
  const digits = codePoint.toString(16);
  return codePoint > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
}
